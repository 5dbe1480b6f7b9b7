import { contraries } from "../../provider/local-tenant/contrary";
import { behaviours, shown } from "./behaviours";

const known = behaviours();
const ids = known.map(({ id }) => id);
const folders = { exchange: "exchange", graph: "graph", dataverse: "dataverse", login: "login" };

describe.each(Object.keys(folders))("%s", (service) => {
  const own = known.filter(({ id }) => id.startsWith(`${service}.`));

  test("every simulated behaviour says how and from where it is known", () => {
    expect(own.length).toBeGreaterThan(0);
    const bad = own.filter(
      ({ mark, source }) => !["documented", "observed", "assumed"].includes(mark) || source.trim() === "",
    );
    expect(bad).toEqual([]);
  });

  test("no behaviour is there twice", () => {
    const sentences = own.map(({ sentence }) => sentence.toLowerCase());
    expect(sentences.filter((one, index) => sentences.indexOf(one) !== index)).toEqual([]);
  });
});

test("every behaviour has a lasting id of its own, which begins with the service", () => {
  expect(ids.filter((id) => !/^(?:exchange|graph|dataverse|login)(\.[a-z0-9]+(-[a-z0-9]+)*)$/.test(id))).toEqual([]);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});

test("what can be turned round is a behaviour, and whatever is assumed can be", () => {
  expect(Object.keys(contraries).filter((id) => !ids.includes(id))).toEqual([]);
  expect(known.filter(({ mark, contrary }) => mark === "assumed" && contrary === undefined)).toEqual([]);
});

test("every behaviour is shown by a test, which names it", () => {
  const named = shown();
  expect(named.filter((id) => !ids.includes(id))).toEqual([]);
  expect(ids.filter((id) => !named.includes(id))).toEqual([]);
});
