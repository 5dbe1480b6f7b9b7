// For child processes of the tests: `node -r` this, and TypeScript sources can be required.
const { createHash } = require("node:crypto");
const { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const Module = require("node:module");
const { join } = require("node:path");
const { version } = require("@swc/core/package.json");

// Commands load their work with `import("./work.js")`, which is still a TypeScript source here.
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = (request, ...others) => {
  try {
    return resolveFilename(request, ...others);
  } catch (error) {
    if (request.startsWith(".") && request.endsWith(".js")) {
      return resolveFilename(request.replace(/\.js$/, ".ts"), ...others);
    }
    throw error;
  }
};

const options = {
  jsc: { parser: { syntax: "typescript" }, target: "es2022" },
  module: { type: "commonjs" },
  sourceMaps: "inline",
};

// A process loads over a hundred sources, and to compile them in each takes longer than what it is started for.
const kept = join(__dirname, "..", "..", "node_modules", ".cache", "pulumi-mailboxes", "sources");
mkdirSync(kept, { recursive: true });

require.extensions[".ts"] = (module, filename) => {
  const source = readFileSync(filename, "utf8");
  const key = createHash("sha256")
    .update(JSON.stringify([version, options, filename, source]))
    .digest("hex");
  const file = join(kept, `${key}.js`);
  if (!existsSync(file)) {
    const { code } = require("@swc/core").transformSync(source, { ...options, filename });
    // Under another name first: another process may read it while it is written.
    writeFileSync(`${file}.${process.pid}`, code);
    renameSync(`${file}.${process.pid}`, file);
  }
  module._compile(readFileSync(file, "utf8"), filename);
};
