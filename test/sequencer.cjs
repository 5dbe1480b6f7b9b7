const { join } = require("node:path");
const { default: Sequencer } = require("@jest/test-sequencer");

/**
 * Files that take long, the longest first: jest takes the size of a file for its time where it has not run it before, as in CI, and
 * the shortest ones are pages that are followed and tables that are walked. One of them begun last is the end of the run, alone.
 */
const longest = [
  ...["engine/examples", "engine/pages", "package/getting-started", "engine/import-file", "package/managers"],
  ...["package/install", "engine/readme", "engine/failures", "engine/golden", "engine/team-mailboxes", "engine/get"],
  ...["reconcile/acceptance-probes", "reconcile/shared-mailbox", "reconcile/membership-identity"],
  ...["reconcile/forwarding-mailbox-record", "reconcile/shared-writes", "reconcile/acceptance", "contract/wire"],
  ...["access/page", "reconcile/access", "reconcile/addresses-that-move", "contract/conformance"],
].map((name) => join(__dirname, `${name}.test.ts`));

/**
 * The order of all layers in one run: files of the layers that run the CLI, which are all work, in turn with files of the others,
 * which wait half of their time for a service that answers late. Among either the one that took longest first.
 */
module.exports = class InTurn extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => (longest.includes(path) ? longest.indexOf(path) : longest.length);
    const sorted = super.sort(tests).toSorted((one, other) => rank(one) - rank(other));
    const runsCli = ({ context }) => context.config.globalSetup != null;
    const queues = [sorted.filter(runsCli), sorted.filter((test) => !runsCli(test))];
    return sorted.map((_, index) => queues[index % 2].shift() ?? queues[(index + 1) % 2].shift());
  }
};
