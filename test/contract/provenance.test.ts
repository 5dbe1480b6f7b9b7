import { behaviours } from "../../provider/local-tenant/behaviours";

const marks = ["documented", "observed", "assumed"];

describe.each(Object.entries(behaviours))("%s", (service, rows) => {
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

  test("every behaviour has a lasting id of its own, which begins with the service", () => {
    const ids = rows.map(({ id }) => id);
    expect(ids.filter((id) => !new RegExp(`^${service}(\\.[a-z0-9]+(-[a-z0-9]+)*)$`).test(id))).toEqual([]);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });
});
