import { paced } from "../../provider/dynamic/engine";

/** Asks every 100 ms of a simulated clock and keeps what is shown. */
function shown(seconds: number, textAt: (second: number) => string): string[] {
  const lines: string[] = [];
  let time = 1_000_000;
  const progress = paced(
    (text) => lines.push(text),
    () => time,
  );
  for (let step = 0; step <= seconds * 10; step += 1) {
    time = 1_000_000 + step * 100;
    progress(textAt(step / 10));
  }
  return lines;
}

test("an operation of less than five seconds says nothing", () => {
  expect(shown(4.9, (second) => `step ${Math.floor(second)}`)).toEqual([]);
});

test("one text is repeated at doubling intervals", () => {
  expect(shown(80, () => "waiting")).toEqual([
    "waiting (5 s)",
    "waiting (10 s)",
    "waiting (20 s)",
    "waiting (40 s)",
    "waiting (80 s)",
  ]);
});

test("a new text is shown at once and begins the intervals anew", () => {
  expect(shown(22, (second) => (second < 12 ? "first" : "second"))).toEqual([
    "first (5 s)",
    "first (10 s)",
    "second (12 s)",
    "second (17 s)",
  ]);
});
