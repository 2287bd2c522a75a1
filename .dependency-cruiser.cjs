/**
 * The house of docs/SPEC.md, as import rules. `npm run check:imports` holds them.
 * Owns: who may import whom. Does not own: dead code (knip.json), types, style.
 */
const services = "auth|content|round|audience|payment|analytics|admin";
const production = "^(server/src|client/src|shared-schema/src)/";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "no-circular",
      comment: "A circle has no order in which to read, start or test it.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "schema-stands-alone",
      comment: "shared-schema is what both sides agree on: it imports nothing of ours.",
      severity: "error",
      from: { path: "^shared-schema/src/" },
      to: { path: "^(server|client|loadtest)/" },
    },
    {
      name: "schema-does-no-io",
      comment: "shared-schema is pure: it runs in the browser, the room and the auditor alike.",
      severity: "error",
      from: { path: "^shared-schema/src/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "ground-knows-no-service",
      comment: "chain/ and infra/ are what services stand on.",
      severity: "error",
      from: { path: "^server/src/(chain|infra)/" },
      to: { path: `^server/src/(${services})/` },
    },
    {
      name: "ground-knows-no-config",
      comment: "chain/ and infra/ get their options passed in; only main.ts puts things together.",
      severity: "error",
      from: { path: "^server/src/(chain|infra)/" },
      to: { path: "^server/src/(main|config)\\.ts$" },
    },
    {
      name: "services-meet-at-their-index",
      comment: "A service calls another one's public file index.ts, or puts a job on a queue.",
      severity: "error",
      from: { path: `^server/src/(${services})/` },
      to: {
        path: `^server/src/(${services})/`,
        pathNot: ["^server/src/$1/", "^server/src/[^/]+/index\\.ts$"],
      },
    },
    {
      name: "production-has-no-stand-ins",
      comment: "Stand-ins, tests and the launcher are never part of what runs in production.",
      severity: "error",
      from: { path: production },
      to: { path: "^(server/(standins|test|launch)|client/test|shared-schema/test|loadtest)/" },
    },
    {
      name: "stand-ins-know-no-service",
      comment:
        "A stand-in speaks over HTTP as the real one would: our own code inside it would prove nothing.",
      severity: "error",
      from: { path: "^server/standins/" },
      to: { path: `^server/src/(${services})/` },
    },
    {
      name: "client-knows-no-server",
      severity: "error",
      from: { path: "^client/" },
      to: { path: "^(server|loadtest)/" },
    },
    {
      name: "server-knows-no-client",
      severity: "error",
      from: { path: "^server/(src|standins)/" },
      to: { path: "^(client|loadtest)/" },
    },
    {
      name: "audience-knows-no-game",
      comment:
        "The relay passes bytes on unread: of ours it uses infra/ and the codes of errors and closing.",
      severity: "error",
      from: { path: "^server/src/audience/" },
      to: {
        path: "^(server/src|shared-schema)/",
        pathNot: ["^server/src/(audience|infra)/", "^shared-schema/src/(errors|close-codes)\\.ts$"],
      },
    },
    {
      name: "not-to-dev-dep",
      comment: "What runs in production may not need a package that only development installs.",
      severity: "error",
      // The client is bundled: at run time it needs no package at all, but what it bundles stands in dependencies.
      from: { path: production },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "not-to-unlisted",
      comment: "A package that is used stands in the package.json beside it.",
      severity: "error",
      from: { path: production },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "not-to-unresolvable",
      severity: "error",
      from: {},
      // Files that the bundler makes or turns into addresses.
      to: { couldNotResolve: true, pathNot: "^virtual:|\\?(url|worker|raw|inline)$|^@fontsource" },
    },
    {
      name: "no-orphans",
      comment: "A file that nobody imports and that imports nobody does nothing.",
      severity: "error",
      from: {
        orphan: true,
        pathNot: [
          "\\.d\\.(ts|mts)$",
          "\\.test\\.(ts|mjs)$",
          "(^|/)\\.[^/]+\\.cjs$",
          "\\.config\\.(js|ts|mjs|cjs)$",
          "^server/(src|standins/[^/]+)/main\\.ts$",
          "^server/launch/(start|test)\\.mjs$",
          "^server/vendor/",
          // Started as a program of its own, or named on mocha's command line.
          "^server/test/launch/fake-child\\.mjs$",
          "^server/test/support/reporter\\.cjs$",
          "^server/src/.*worker\\.ts$",
          "^loadtest/src/",
          "^client/src/(main\\.tsx|vite-env\\.d\\.ts)$",
        ],
      },
      to: {},
    },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    // Imports of types count too: they tie the parts of the house together all the same.
    tsPreCompilationDeps: true,
    doNotFollow: { path: "(^|/)node_modules/" },
    exclude: { path: "(^|/)(dist|coverage)/" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "node", "default"],
    },
  },
};
