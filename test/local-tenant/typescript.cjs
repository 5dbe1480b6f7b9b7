// For child processes of the tests: `node -r` this, and TypeScript sources can be required.
const Module = require("node:module");
const { transformFileSync } = require("@swc/core");

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

require.extensions[".ts"] = (module, filename) => {
  const { code } = transformFileSync(filename, {
    jsc: { parser: { syntax: "typescript" }, target: "es2022" },
    module: { type: "commonjs" },
    sourceMaps: "inline",
  });
  module._compile(code, filename);
};
