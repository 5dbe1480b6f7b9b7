import { probes } from "../../provider/acceptance/run";
import { otherThanConfirmed, rows, tryable, turnable } from "./acceptance";

const tried = probes.map(({ row }) => row);

describe("the probes", () => {
  test("try every assumed behaviour, each once, and only what can be turned round here", () => {
    const assumed = rows.filter(({ mark }) => mark === "assumed").map(({ id }) => id);
    expect(tried.filter((row, index) => tried.indexOf(row) !== index)).toEqual([]);
    expect(assumed.filter((row) => !tried.includes(row))).toEqual([]);
    expect(tried.filter((row) => !turnable.includes(row))).toEqual([]);
    expect(assumed.length).toBeLessThanOrEqual(40);
  });

  test("are all confirmed by the local tenant", async () => {
    const { run } = await tryable();
    const { exit, verdicts, said } = await run();
    expect(otherThanConfirmed({ verdicts })).toEqual([]);
    expect(Object.keys(verdicts).sort()).toEqual([...tried].sort());
    expect(exit).toBe(0);
    expect(said).toContain(`${tried.length} confirmed, 0 contradicted, 0 not tried.`);
  });

  // Each behaviour is turned round in some of these runs, and for any two of them there is a run with the one and without the
  // other. So a probe that answered to another's behaviour, or not to its own, would fail one of them.
  const bits = Array.from({ length: Math.ceil(Math.log2(turnable.length)) }, (_, bit) => bit);
  test.each(bits.flatMap((bit) => [0, 1].map((value) => [bit, value] as const)))(
    "are contradicted exactly where the tenant behaves otherwise (bit %i is %i)",
    async (bit, value) => {
      const { world, run } = await tryable();
      const turned = turnable.filter((_, index) => ((index >> bit) & 1) === value);
      await world.control("PATCH", "settings", { contrary: turned });
      const result = await run();
      expect(otherThanConfirmed(result).sort()).toEqual([...turned].sort());
      expect(turned.map((row) => result.verdicts[row])).toEqual(turned.map(() => "contradicted"));
      expect(result.exit).toBe(1);
    },
  );
});
