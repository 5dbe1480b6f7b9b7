const { constants, createContext } = require("node:vm");
const { TestEnvironment } = require("jest-environment-node");

/**
 * Jest's own environment, with an ordinary global object. Jest's is a proxy behind interceptors, so that each mention of `Object`,
 * `Promise` or `JSON` in any module takes thirty times as long.
 */
module.exports = class extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    const { global: made, moduleMocker, fakeTimersModern } = this;
    const global = createContext(constants.DONT_CONTEXTIFY);
    // These are the process's own, as in jest's: Node's modules compare with them.
    const shared = ["ArrayBuffer", "Uint8Array"];
    for (const name of Reflect.ownKeys(made).filter((one) => shared.includes(one) || !Object.hasOwn(global, one))) {
      const { enumerable } = Object.getOwnPropertyDescriptor(made, name);
      Object.defineProperty(global, name, { configurable: true, enumerable, writable: true, value: made[name] });
    }
    global.global = global;
    global.Error.stackTraceLimit = made.Error.stackTraceLimit;
    this.context = global;
    this.global = global;
    this.moduleMocker = new moduleMocker.constructor(global);
    this.fakeTimersModern = new fakeTimersModern.constructor({ config: config.projectConfig, global });
  }
};
