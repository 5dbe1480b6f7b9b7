const { default: Sequencer } = require("@jest/test-sequencer");

/**
 * The order of all layers in one run: files of the layers that run the CLI, which are all work, in turn with files of the others,
 * which wait half of their time for a service that answers late. Among either the one that took longest first.
 */
module.exports = class InTurn extends Sequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const runsCli = ({ context }) => context.config.globalSetup != null;
    const queues = [sorted.filter(runsCli), sorted.filter((test) => !runsCli(test))];
    return sorted.map((_, index) => queues[index % 2].shift() ?? queues[(index + 1) % 2].shift());
  }
};
