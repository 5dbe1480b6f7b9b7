import { firstDifference } from "./walk";

const printed =
  "Previewing update (dev):\n  ~ members: {\n      + grace\n    }\nResources:\n    ~ 1 to update\n\nDuration: 3s\n";

test("lines that were printed together are no difference, nor what stands for a gap or for the rest of a line", () => {
  expect(firstDifference("  ~ members: {\n      + grace\n", printed)).toBeUndefined();
  expect(firstDifference("  ~ members: {\n…\n    ~ 1 to update\n", printed)).toBeUndefined();
  expect(firstDifference("Previewing …\n", printed)).toBeUndefined();
});

test("ids, times and durations are not compared", () => {
  const [one, other] = [
    "0f0e0d0c-0000-4000-8000-000000000001 2026-11-28T10:00:00Z (2s)",
    "aaaaaaaa-0000-4000-8000-000000000002 2027-01-01T10:00:00Z (0.4s)",
  ];
  expect(firstDifference(`[id=${one}]`, `[id=${other}]`)).toBeUndefined();
});

test.each([
  ["a line that was not printed", "      + ada\n", /this one nowhere: {7}\+ ada/],
  ["lines in another order", "      + grace\n  ~ members: {\n", /not printed together/],
  ["parts in another order", "Resources:\n…\n      + grace\n", /not printed together/],
  ["lines with others between them", "  ~ members: {\n    }\n", /not printed together/],
  ["another indentation", "+ grace\n", /this one nowhere/],
])("%s is one", (_, shown, problem) => {
  expect(firstDifference(shown, printed)).toMatch(problem);
});
