/**
 * Before each test file: the first RSA key that it makes, as a rule that of its local tenants, is the same in all files of a process.
 * A process of a local tenant makes one key, for 0.1 to 0.4 s of processor time; jest gives each test file modules of its own.
 */
const crypto = require("node:crypto");

const holder = Symbol.for("pulumi-mailboxes.tests.first-key");
crypto[holder] ??= { make: crypto.generateKeyPairSync };
const held = crypto[holder];
let isFirst = true;

crypto.generateKeyPairSync = (type, options) => {
  const isPlain = type === "rsa" && Object.keys(options).length === 1 && options.modulusLength === 2048;
  if (!isFirst || !isPlain) {
    return held.make(type, options);
  }
  isFirst = false;
  held.key ??= held.make(type, options);
  return held.key;
};
