const { join } = require("node:path");
const { default: Sequencer } = require("@jest/test-sequencer");

/** Short and long at once: jest takes the size of a file for its time where it has not run it before, as in CI. */
const longest = join(__dirname, "reconcile", "acceptance.test.ts");

/**
 * The order of all layers in one run: files of the layers that run the CLI, which are all work, in turn with files of the others,
 * which wait half of their time for a service that answers late. Among either the one that took longest first.
 */
module.exports = class InTurn extends Sequencer {
  sort(tests) {
    const inTime = super.sort(tests);
    const sorted = [...inTime.filter(({ path }) => path === longest), ...inTime.filter(({ path }) => path !== longest)];
    const runsCli = ({ context }) => context.config.globalSetup != null;
    const queues = [sorted.filter(runsCli), sorted.filter((test) => !runsCli(test))];
    return sorted.map((_, index) => queues[index % 2].shift() ?? queues[(index + 1) % 2].shift());
  }
};
