/** The memory of the tenant: rows by index as each reader sees them, and rows that nobody changes by accident. */
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { copyOf, type Index, Store } from "../../provider/local-tenant/store";

interface Thing {
  id: string;
  names: string[];
}

const byName: Index<Thing> = { table: "things", textsOf: ({ names }) => names };
const DAY = 24 * 60 * 60 * 1000;

let now: number;
let store: Store;

beforeEach(() => {
  now = 10 * DAY;
  store = new Store(
    undefined,
    () => now,
    (reader) => (reader === "graph" ? 1000 : 0),
  );
});

function put(id: string, ...names: string[]): void {
  store.put("things", id, { id, names });
}

const found = (name: string, reader?: "graph" | "exchange") => store.find([[byName, name]], reader).map(({ id }) => id);

test("a lagging reader finds a row by the name that it still sees, the others by the new one", () => {
  put("a", "old");
  now += 2000;
  put("a", "new");
  expect([found("old"), found("new")]).toEqual([[], ["a"]]);
  expect([found("old", "exchange"), found("new", "exchange")]).toEqual([[], ["a"]]);
  expect([found("old", "graph"), found("new", "graph")]).toEqual([["a"], []]);
  now += 1000;
  expect([found("old", "graph"), found("new", "graph")]).toEqual([[], ["a"]]);
});

test("rows that share a name, and those of several searches, come once each in the order in which they were made", () => {
  put("b", "other");
  put("a", "name");
  put("c", "name", "other");
  put("b", "name");
  expect(found("name")).toEqual(["b", "a", "c"]);
  expect(
    store
      .find([
        [byName, "other", "name"],
        [byName, "name"],
      ])
      .map(({ id }) => id),
  ).toEqual(["b", "a", "c"]);
});

test("a deleted row is found by nobody once it is gone for the reader, and again when it comes back", () => {
  put("a", "name");
  now += 2000;
  store.delete("things", "a");
  expect([found("name"), found("name", "graph")]).toEqual([[], ["a"]]);
  now += 1000;
  expect(found("name", "graph")).toEqual([]);
  put("a", "name");
  expect(found("name")).toEqual(["a"]);
});

test("a name is forgotten with the last version that has it", () => {
  put("a", "first");
  expect(found("first")).toEqual(["a"]);
  now += 2 * DAY;
  put("a", "second");
  now += 2 * DAY;
  put("a", "third", "second");
  put("b", "first");
  expect([found("first"), found("second"), found("third")]).toEqual([["b"], ["a"], ["a"]]);
  store.clear();
  expect(found("third")).toEqual([]);
});

test("a row that lacks what an index reads is no more than not found by it", () => {
  put("a", "name");
  expect(found("name")).toEqual(["a"]);
  store.put("things", "b", { id: "b" });
  expect(found("name")).toEqual(["a"]);
  expect(store.all("things")).toHaveLength(2);
});

test("rows are frozen, whoever hands them out; a copy is not, and is nobody else's", () => {
  put("a", "name");
  const [row] = store.all<Thing>("things");
  for (const one of [row, store.get<Thing>("things", "a"), store.seen<Thing>("exchange", "things", "a")]) {
    expect(() => one?.names.push("more")).toThrow(TypeError);
  }
  const copy = copyOf(row as Thing);
  copy.names.push("more");
  expect(store.get<Thing>("things", "a")?.names).toEqual(["name"]);
});

test("a journal is read line by line, blank ones too, and a spoilt one is named", () => {
  const folder = mkdtempSync(join(tmpdir(), "store-"));
  const journal = join(folder, "tenant.jsonl");
  const open = () =>
    new Store(
      journal,
      () => now,
      () => 0,
    );
  try {
    open().put("things", "ü", { id: "ü", names: ["größe"] });
    appendFileSync(journal, "\n");
    open().put("things", "b", { id: "b", names: ["größe"] });
    expect(open().find([[byName, "größe"]])).toHaveLength(2);
    appendFileSync(journal, "{}\n");
    expect(open).toThrow("line 4 is not a line of a local tenant's journal");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
