throw new Error(
  "uWebSockets.js is not installed: this project runs on the `ws` transport. See server/vendor/no-uwebsockets/README.md to opt in.",
);
