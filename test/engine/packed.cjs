/**
 * For the Node processes of a run of tests: `node --require` this. Every deployment starts two, and each spends most of its processor
 * time on finding, reading and compiling the same hundreds of files. `prepare.mjs` has that done once, by `record`: where each file was
 * found, its source, and what V8 made of it are put into a pack. A process then takes them from there. What is not in the pack is
 * loaded as ever, and so is everything by another version of Node. None of these files changes during a run.
 */
const { existsSync, readdirSync, readFileSync, writeFileSync } = require("node:fs");
const Module = require("node:module");
const { dirname, join } = require("node:path");
const { Script } = require("node:vm");

const clone = join(__dirname, "..", "..");
const fileOf = (pack) => `${pack}-${process.version}`;
const where = (parent, request) => `${dirname(parent.filename)}\0${request}`;

const { _resolveFilename: resolve, _extensions: extensions } = Module;
const { ".js": load } = extensions;

const { MAILBOXES_TEST_PACK: pack } = process.env;
if (pack !== undefined && existsSync(`${fileOf(pack)}.json`)) {
  takeFrom(fileOf(pack));
}

function takeFrom(file) {
  const { found, modules } = JSON.parse(readFileSync(`${file}.json`, "utf8"));
  const bytes = readFileSync(file);
  Module._resolveFilename = function resolveFromPack(request, parent, isMain, options) {
    const known = parent?.filename != null && options === undefined ? found[where(parent, request)] : undefined;
    return known ?? resolve.call(this, request, parent, isMain, options);
  };
  extensions[".js"] = (loaded, filename) => {
    const place = modules[filename];
    if (place === undefined) {
      return load(loaded, filename);
    }
    const [encoding, start, middle, end] = place;
    const source = bytes.toString(encoding, start, middle);
    const cachedData = bytes.subarray(middle, end);
    return run(loaded, new Script(Module.wrap(source), { filename, cachedData }));
  };
}

/** Loads what programs and providers load, and writes the pack. It is for a process of its own. */
exports.record = function record(to) {
  const found = {};
  const scripts = new Map();
  Module._resolveFilename = function resolveAndKeep(request, parent, isMain, options) {
    const path = resolve.call(this, request, parent, isMain, options);
    if (parent?.filename != null && options === undefined) {
      found[where(parent, request)] = path;
    }
    return path;
  };
  extensions[".js"] = (loaded, filename) => {
    const source = readFileSync(filename, "utf8");
    // Where such an import leads to is known by the real loader alone.
    const script = /\bimport\s*\(/.test(source) ? undefined : compiled(source, filename);
    if (script === undefined) {
      return load(loaded, filename);
    }
    scripts.set(filename, { source, script });
    return run(loaded, script);
  };
  const sources = readdirSync(join(clone, "dist"), { recursive: true, encoding: "utf8" });
  const ours = sources.filter((name) => name.endsWith(".js") && !["cli.js", "policy.js"].includes(name));
  const sdk = ["dynamic", "cmd/run/error", "cmd/run/tracing", "runtime/closure/createClosure", "tsutils", "version"];
  require("@pulumi/pulumi");
  for (const name of sdk) {
    require(`@pulumi/pulumi/${name}`);
  }
  for (const name of ours) {
    require(join(clone, "dist", name));
  }

  const parts = [];
  let length = 0;
  const add = (part) => {
    parts.push(part);
    length += part.length;
    return length;
  };
  const modules = {};
  for (const [filename, { source, script }] of scripts) {
    // A text in Latin 1 takes half the time and half the memory.
    const encoding = /^[\0-\x7f]*$/.test(source) ? "latin1" : "utf8";
    modules[filename] = [encoding, length, add(Buffer.from(source, encoding)), add(script.createCachedData())];
  }
  writeFileSync(fileOf(to), Buffer.concat(parts));
  writeFileSync(`${fileOf(to)}.json`, JSON.stringify({ found, modules }));
  process.exit();
};

/** Undefined for what is not CommonJS. */
function compiled(source, filename) {
  try {
    return new Script(Module.wrap(source), { filename });
  } catch {
    return undefined;
  }
}

function run(loaded, script) {
  const { filename } = loaded;
  const requireOf = Object.assign((id) => loaded.require(id), {
    resolve: (request, options) => Module._resolveFilename(request, loaded, false, options),
    main: process.mainModule,
    extensions,
    cache: Module._cache,
  });
  requireOf.resolve.paths = (request) => Module._resolveLookupPaths(request, loaded);
  script.runInThisContext().call(loaded.exports, loaded.exports, requireOf, loaded, filename, dirname(filename));
}
