const apart = ["reconcile", "local-tenant", "contract", "engine", "package"];

const common = {
  rootDir: __dirname,
  testEnvironment: "node",
  setupFiles: ["<rootDir>/test/one-key.cjs"],
  // dist and the examples carry package.json files and modules of the same names as the sources.
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/examples/"],
  // What is loaded late, `import("./work.js")`, is still a TypeScript source here.
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": ["$1.js", "$1.ts"] },
  transform: {
    "\\.ts$": [
      "@swc/jest",
      {
        jsc: { parser: { syntax: "typescript" }, target: "es2022" },
        module: { type: "commonjs" },
        sourceMaps: "inline",
      },
    ],
  },
};

const tests = (...folders) => folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`);

/** The layers that run the compiled package with the real CLI: built and found before, their processes ended after. */
const withCli = {
  globalSetup: "<rootDir>/test/engine/prepare.mjs",
  globalTeardown: "<rootDir>/test/engine/tear-down.mjs",
};

/**
 * One project a layer; `npm test` runs them side by side. What is in none of the other layers' folders is unit.
 *
 * @type {import("jest").Config}
 */
module.exports = {
  // A run of the real engine takes seconds; every other layer stays far below this.
  testTimeout: 300_000,
  testSequencer: "<rootDir>/test/sequencer.cjs",
  projects: [
    {
      ...common,
      displayName: "unit",
      testMatch: tests("**"),
      testPathIgnorePatterns: ["/node_modules/", ...apart.map((folder) => `<rootDir>/test/${folder}/`)],
    },
    { ...common, displayName: "reconcile", testMatch: tests("reconcile", "local-tenant") },
    { ...common, displayName: "contract", testMatch: tests("contract") },
    { ...common, ...withCli, displayName: "engine", testMatch: tests("engine") },
    { ...common, ...withCli, displayName: "package", testMatch: tests("package") },
  ],
};
