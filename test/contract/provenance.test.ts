import { behaviours } from "../../provider/local-tenant/behaviours";

const marks = ["documented", "observed", "assumed"];

describe.each(Object.entries(behaviours))("%s", (_service, rows) => {
  test("every simulated behaviour says how and from where it is known", () => {
    expect(rows.length).toBeGreaterThan(0);
    const bad = rows.filter(
      ({ behaviour, mark, source }) => behaviour.trim() === "" || !marks.includes(mark) || source.trim() === "",
    );
    expect(bad).toEqual([]);
  });

  test("no behaviour is there twice", () => {
    const known = rows.map(({ behaviour }) => behaviour.toLowerCase());
    expect(known.filter((one, index) => known.indexOf(one) !== index)).toEqual([]);
  });
});
