/**
 * For the Node processes of a test's deployments: `node --require` this. Pulumi's SDK loads at its start what it needs to serialize
 * functions, to trace, and to drive the CLI from a program. A provider that is named by its module has no function to serialize, and
 * these programs do nothing of the rest. Zod loads its messages in fifty languages. Here all of that is loaded when something of it is
 * used: half of the processor time of each deployment was spent on it.
 */
const Module = require("node:module");

const load = Module._load;
const lavish = /[\\/](@pulumi[\\/]pulumi|zod)[\\/]/;
const late = new Set([
  ...["@npmcli/arborist", "fdir", "normalize-package-data", "typescript", "upath"],
  ...["@opentelemetry/exporter-zipkin", "@opentelemetry/instrumentation", "@opentelemetry/instrumentation-grpc"],
  ...["@opentelemetry/resources", "@opentelemetry/sdk-trace-base", "@opentelemetry/sdk-trace-node"],
  ...["ini", "js-yaml", "semver", "./automation"],
  "../locales/index.cjs",
]);

/** What stands in for a module of the SDK, by the end of the request for it. */
const replaced = {
  // It reads the source map of every file of the SDK that stands in a stack, and each resource takes several stacks.
  "source-map-support/register": () => ({}),
  // It attaches a debugger to the process, which then hears of every script. The real one catches up when it is asked.
  "runtime/closure/v8Hooks": (real) => ({
    isInitializedAsync: async () => {},
    getSessionAsync: () => real().getSessionAsync(),
    getScriptUrl: (id) => real().getScriptUrl(id),
  }),
};

const stands = new Map();

Module._load = function loadLate(request, parent, isMain) {
  const isLavish = parent?.filename != null && lavish.test(parent.filename);
  const replacement = Object.keys(replaced).find((end) => request.endsWith(end));
  if (!isLavish || (!late.has(request) && replacement === undefined)) {
    return load.call(this, request, parent, isMain);
  }
  if (!stands.has(request)) {
    const real = () => load.call(this, request, parent, isMain);
    stands.set(request, replacement === undefined ? proxyOf(real) : replaced[replacement](real));
  }
  return stands.get(request);
};

function proxyOf(real) {
  return new Proxy(
    {},
    {
      get: (_, name) => {
        // Without this mark the SDK copies every property, which is a use; with it, it asks for `default` where there is none.
        const named = name === "__esModule" ? true : real()[name];
        return name === "default" && named === undefined ? real() : named;
      },
      has: (_, name) => name in real(),
    },
  );
}

// The language host that is built from its Go module does not hear from a newer engine that a program is JavaScript.
process.env.PULUMI_NODEJS_TYPESCRIPT = process.env.MAILBOXES_TEST_TYPESCRIPT ?? "false";
