/**
 * How the page is built and served in development. Owns: plugins, chunks, the proxy, the mock mode.
 * Does not own: what is in the page.
 */
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const mockOf = (name: string) => fileURLToPath(new URL(`./dev-mock/${name}`, import.meta.url));

/** `vite --mode mock`: the screens with made-up rounds and no server. Never part of a production build. */
const mockLogic: Plugin = {
  name: "mock-logic",
  enforce: "pre",
  resolveId(source) {
    if (source.endsWith("/app/hooks.ts")) return mockOf("hooks.ts");
    if (source.endsWith("/app/provider.tsx")) return mockOf("provider.tsx");
    return undefined;
  },
};

/** Names the build by what is in it: the server reads it there and tells pages of another build (R11). */
const nameBuild: Plugin = {
  name: "name-build",
  apply: "build",
  transformIndexHtml: {
    order: "post",
    handler(html, { bundle }) {
      const files = Object.keys(bundle ?? {}).sort();
      const build = createHash("sha256").update(files.join("\n")).digest("hex").slice(0, 12);
      return {
        html,
        tags: [{ tag: "meta", attrs: { name: "build", content: build }, injectTo: "head-prepend" }],
      };
    },
  },
};

/** What every visitor loads once and keeps: changes of the game leave these chunks alone. */
const chunkOf = (id: string): string | undefined => {
  if (/node_modules\/(react|react-dom|scheduler|react-redux|@reduxjs|redux|immer|reselect)\//.test(id)) {
    return "react";
  }
  return undefined;
};

export default defineConfig(({ mode }) => {
  const api = process.env.API_URL ?? "http://127.0.0.1:2567";
  return {
    plugins: [react(), tailwindcss(), nameBuild, ...(mode === "mock" ? [mockLogic] : [])],
    build: {
      outDir: "dist",
      target: "es2022",
      rollupOptions: { output: { manualChunks: chunkOf } },
    },
    server: {
      host: "127.0.0.1",
      proxy: {
        "/api": api,
        "/media": api,
        "/matchmake": { target: api, ws: true },
        "/spectate": { target: api, ws: true },
      },
    },
  };
});
