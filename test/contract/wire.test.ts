import { broadRun } from "./broad-run";
import { complaintsAbout } from "./checks/check";
import { neverUsed, rowsUsed, sendableRows } from "./checks/coverage";
import type { Recording } from "./recording";

let recordings: Recording[];

beforeAll(async () => {
  recordings = await broadRun();
});

test("every request and answer is as the wire tables have it", () => {
  expect(recordings.length).toBeGreaterThan(100);
  expect(complaintsAbout(recordings)).toEqual([]);
});

test("every row of the wire tables is used", () => {
  const used = rowsUsed(recordings);
  expect(sendableRows().filter((row) => !used.has(row))).toEqual([]);
});

test("nothing on the deny list is sent", () => {
  const used = [...rowsUsed(recordings)].join("\n");
  expect(neverUsed.filter((name) => used.includes(name))).toEqual([]);
});
