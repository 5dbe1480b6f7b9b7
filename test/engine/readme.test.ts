/** A file of its own beside `pages.test.ts`: the demo and the first example take as long as all other pages. */
import { Walk } from "../pages/walk";

// The demo and three runs of the CLI.
jest.setTimeout(900_000);

let walk: Walk;
afterEach(() => walk.remove());

test("README.md: the demo and the first example print what the page shows", async () => {
  walk = new Walk("README.md", { isLean: true });
  walk.copyClone(".");
  await walk.follow();
});

test("a clone used with a backend of one's own says how to make a stack", async () => {
  walk = new Walk("README.md", { isLean: true });
  walk.copyClone(".");
  const output = await walk.run(
    'mkdir state; PULUMI_BACKEND_URL="file://$PWD/state" npm run pulumi -- preview',
    "",
    false,
  );
  expect(output).toContain("Make one: npm run pulumi -- stack init dev");
});
