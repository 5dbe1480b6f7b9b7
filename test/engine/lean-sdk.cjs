/**
 * For the Node processes of a test's deployments: `node --require` this. Pulumi's SDK loads the TypeScript compiler and a package
 * manager at its start, to serialize functions; a provider that is named by its module has none to serialize. Here the two are
 * loaded when something of them is used: a third less processor time for each deployment.
 */
const Module = require("node:module");

const late = new Set(["typescript", "@npmcli/arborist"]);
const proxies = new Map();
const load = Module._load;

Module._load = function loadLate(request, parent, isMain) {
  if (!late.has(request)) {
    return load.call(this, request, parent, isMain);
  }
  if (!proxies.has(request)) {
    const module = () => load.call(this, request, parent, isMain);
    proxies.set(
      request,
      new Proxy(
        {},
        {
          // Without this mark the SDK copies every property, which is a use.
          get: (_, name) => (name === "__esModule" ? true : module()[name]),
          has: (_, name) => name in module(),
        },
      ),
    );
  }
  return proxies.get(request);
};

// The language host that is built from its Go module does not hear from a newer engine that a program is JavaScript.
process.env.PULUMI_NODEJS_TYPESCRIPT = "false";
