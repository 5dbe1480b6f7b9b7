/** The edit that takes somebody out of a program, applied with git and read again. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inProgram, type Program } from "../../provider/leaver/program";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) {
    rmSync(folder, { recursive: true, force: true });
  }
});

const names = {
  certain: new Set(["ada@contoso.com", "11111111-2222-3333-4444-555555555555"]),
  guess: "ada",
};

/** Looks through files, and applies the edit. @returns what was found, and the files afterwards. */
function leave(files: Record<string, string>): Program & { after: Record<string, string> } {
  const folder = mkdtempSync(join(tmpdir(), "mailboxes-leaver-"));
  folders.push(folder);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const program = inProgram(folder, names, new Set());
  if (program.patch !== "") {
    const { status, stderr } = spawnSync("git", ["apply", "--whitespace=nowarn", "-"], {
      cwd: folder,
      input: program.patch,
      encoding: "utf8",
    });
    expect(`${status} ${stderr}`).toBe("0 ");
  }
  const after = Object.keys(files).map((file) => [file, readFileSync(join(folder, file), "utf8")]);
  return { ...program, after: Object.fromEntries(after) };
}

const places = ({ places: all }: Program) => all.map(({ file, line, why }) => `${file}:${line} ${why}`);

const PLACES = "the order of its list has a meaning";

describe("of TypeScript", () => {
  test.each([
    ["a list on one line, first", 'f(["ada@contoso.com", "grace@contoso.com"]);\n', 'f(["grace@contoso.com"]);\n'],
    ["a list on one line, last", 'f(["grace@contoso.com", "ada@contoso.com"]);\n', 'f(["grace@contoso.com"]);\n'],
    ["a list on one line, in the middle", "f(['a@x.y', 'Ada@Contoso.com', 'b@x.y',]);", "f(['a@x.y', 'b@x.y',]);"],
    [
      "a list of lines, with her comment",
      'f([\n  "grace@contoso.com",\n  "ada@contoso.com", // until May\n  "alan@contoso.com",\n]);\n',
      'f([\n  "grace@contoso.com",\n  "alan@contoso.com",\n]);\n',
    ],
    [
      "a list of lines, last and without a comma",
      'f([\n  "grace@contoso.com", // stays\n  "ada@contoso.com"\n]);\n',
      'f([\n  "grace@contoso.com", // stays\n]);\n',
    ],
    [
      "a list of lines that Windows wrote",
      'f([\r\n  "ada@contoso.com",\r\n  "grace@contoso.com",\r\n]);\r\n',
      'f([\r\n  "grace@contoso.com",\r\n]);\r\n',
    ],
    [
      "a list with others by name",
      "const all = [...team, grace, people.alan, `ada@contoso.com`];\n",
      "const all = [...team, grace, people.alan];\n",
    ],
    [
      "a map with her rights over several lines",
      'new M("m", { members: {\n  "ada@contoso.com": {\n    sendAs: false,\n  },\n  "grace@contoso.com": {},\n} });\n',
      'new M("m", { members: {\n  "grace@contoso.com": {},\n} });\n',
    ],
    [
      "a map on one line, by object id",
      'f({ "grace@contoso.com": {}, "11111111-2222-3333-4444-555555555555": { sendAs: false } });',
      'f({ "grace@contoso.com": {} });',
    ],
    [
      "a map with computed keys",
      'f({ ...rest, ["ada@contoso.com"]: {}, "grace@contoso.com": {} });\n',
      'f({ ...rest, "grace@contoso.com": {} });\n',
    ],
    [
      "lists far apart",
      `f(["ada@contoso.com", "b@x.y"]);\n${"// far\n".repeat(20)}g(["ada@contoso.com", "c@x.y"] as const satisfies readonly string[]);`,
      `f(["b@x.y"]);\n${"// far\n".repeat(20)}g(["c@x.y"] as const satisfies readonly string[]);`,
    ],
  ])("takes her out of %s", (_, before, after) => {
    const left = leave({ "index.ts": before });
    expect(left.after).toEqual({ "index.ts": after });
    expect(places(left)).toEqual([]);
  });

  test.each([
    ["the only one of a list", 'f(["ada@contoso.com"]);', "it is the only one in its list"],
    ["the only one of a map", 'f({ "ada@contoso.com": {} });', "it is the only one in its map"],
    ["a pair", 'f([["ada@contoso.com", "grace@contoso.com"]]);', "it is in a list within a list"],
    ["a list of other things", 'f(["ada@contoso.com", "sendAs"]);', "its list holds other things than people"],
    ["a list with a computed element", 'f(["ada@contoso.com", who()]);', "its list holds other things than people"],
    ["a map of other things", 'f({ "ada@contoso.com": 1, displayName: "x" });', "its map has other keys than people"],
    ["a value", 'f({ forwarding: { to: "ada@contoso.com" } });', "it is not in a list"],
    [
      "a comment between",
      'f(["ada@contoso.com", /* boss */ "grace@contoso.com"]);',
      "a comment stands between it and the next one",
    ],
    ["an element by its place", 'f(["ada@contoso.com", "grace@contoso.com"][0]);', PLACES],
    ["names for places", 'const [lead, deputy] = ["ada@contoso.com", "grace@contoso.com"];', PLACES],
    ["new values for places", '[lead, deputy] = ["ada@contoso.com", "grace@contoso.com"];', PLACES],
    ["a tuple", 'const t: [string, string] = ["ada@contoso.com", "grace@contoso.com"];', PLACES],
    ["an asserted tuple", 'f(["ada@contoso.com", "grace@contoso.com"] as [string, string]);', PLACES],
    ["a list that is read by place", 'const t = ["ada@contoso.com", "b@x.y"] as const;\nf(t[0]);', PLACES],
    ["a list that is read from its end", 'const t = ["b@x.y", "ada@contoso.com"];\nf(t.at(-1));', PLACES],
    ["a list that is taken apart", 'const t = ["ada@contoso.com", "b@x.y"];\nconst [a] = t;', PLACES],
    ["a comment", "// ask ada@contoso.com\nf();", "in a text or a comment"],
    ["a longer text", 'f("mailto:ada@contoso.com?subject=x");', "in a text or a comment"],
    ["a file that does not parse", 'f(["ada@contoso.com", "b@x.y"', "found by its text"],
    [
      "a name",
      'const ada = "ada@contoso.com";\nf([ada, grace]);\ng(ada);\n',
      "it is named ada here, used in line 2, 3",
    ],
    ["something that may mean her", 'people(["ada", "grace"]);', "it may mean the same person"],
  ])("leaves %s to a person", (_, text, why) => {
    const left = leave({ "index.ts": text });
    expect(left.patch).toBe("");
    expect(places(left)).toEqual([`index.ts:1 ${why}`]);
  });

  test.each([
    ["list", 'const both = ["ada@contoso.com", "ADA@contoso.com"];'],
    ["map", 'f({ "ada@contoso.com": {}, "11111111-2222-3333-4444-555555555555": {} });'],
  ])("empties no %s of her names alone, and takes her out of the others", (what, text) => {
    const left = leave({ "index.ts": `${text}\nf(["ada@contoso.com", "b@x.y"]);\nconst a = "ada@contoso.com";\n` });
    expect(left.after["index.ts"]).toBe(`${text}\nf(["b@x.y"]);\nconst a = "ada@contoso.com";\n`);
    const why = `index.ts:1 nobody else is in its ${what}`;
    expect(places(left)).toEqual([why, why, "index.ts:3 it is named a here"]);
  });

  test("tells why of each place where the edit as a whole cannot be made", () => {
    const left = leave({
      "index.ts": 'f(["b@x.y", "ada@contoso.com", "ADA@contoso.com"]);\nconst a = "ada@contoso.com";\n',
    });
    expect(left.patch).toBe("");
    expect(places(left)).toContain("index.ts:2 it is named a here");
  });

  test("does not take a longer address for hers", () => {
    const text = 'f(["nada@contoso.com", "ada@contoso.com.example", "ada@contoso.community", "x.ada@contoso.com"]);';
    expect(leave({ "index.ts": text })).toMatchObject({ patch: "", places: [] });
  });
});

describe("of YAML", () => {
  test.each([
    [
      "a list of lines",
      "people:\n  - ada@contoso.com # until May\n  - grace@contoso.com\n",
      "people:\n  - grace@contoso.com\n",
    ],
    ["the end of a list", "people:\n  - grace@contoso.com\n  - 'ADA@contoso.com'", "people:\n  - grace@contoso.com\n"],
    [
      "a list on one line",
      "people: [ada@contoso.com, grace@contoso.com] # all\n",
      "people: [grace@contoso.com] # all\n",
    ],
    [
      "a map with rights",
      'members:\n  "ada@contoso.com":\n    sendAs: false\n    until: 2027-01-31\n  grace@contoso.com: {}\nnext: 1\n',
      "members:\n  grace@contoso.com: {}\nnext: 1\n",
    ],
    [
      "a map, last",
      "members:\n  grace@contoso.com: {}\n  ada@contoso.com:\nnext: 1\n",
      "members:\n  grace@contoso.com: {}\nnext: 1\n",
    ],
    [
      "a map on one line",
      "members: { grace@contoso.com: {}, ada@contoso.com: { sendAs: false } }\n",
      "members: { grace@contoso.com: {} }\n",
    ],
    [
      "a list that others refer to",
      "base: &base\n  - ada@contoso.com\n  - grace@contoso.com\nteam: *base\n---\nmore: [a@x.y, ada@contoso.com]\n",
      "base: &base\n  - grace@contoso.com\nteam: *base\n---\nmore: [a@x.y]\n",
    ],
  ])("takes her out of %s", (_, before, after) => {
    const left = leave({ "people.yaml": before });
    expect(left.after["people.yaml"]?.replace(/\n?$/, "\n")).toBe(after);
    expect(places(left)).toEqual([]);
  });

  test.each([
    ["the only one", "people:\n  - ada@contoso.com\n", 2, "it is the only one in its list"],
    ["a value", "owner: ada@contoso.com\n", 1, "it is not in a list"],
    ["a person's own entry", "- name: Lovelace\n  address: ada@contoso.com\n", 2, "it is not in a list"],
    ["a pair", "all:\n  - [ada@contoso.com, grace@contoso.com]\n", 2, "it is in a list within a list"],
    [
      "another's anchor",
      "all:\n  - &a ada@contoso.com\n  - grace@contoso.com\nboss: *a\n",
      2,
      "its list has an anchor in it",
    ],
    ["a guess", "people: [ada, grace]\n", 1, "it may mean the same person"],
    ["a template", "people: {{ list }}\n- ada@contoso.com\n", 2, "found by its text"],
  ])("leaves %s to a person", (_, text, line, why) => {
    const left = leave({ "people.yaml": text });
    expect(left.patch).toBe("");
    expect(places(left)).toEqual([`people.yaml:${line} ${why}`]);
  });
});

test.each([
  ['{ "people": ["ada@contoso.com", "grace@contoso.com"] }', '{ "people": ["grace@contoso.com"] }'],
  [
    '{\n\t"people": [\n\t\t"grace@contoso.com",\n\t\t"ada@contoso.com"\n\t]\n}\n',
    '{\n\t"people": [\n\t\t"grace@contoso.com"\n\t]\n}\n',
  ],
  [
    '{\n  "grace@contoso.com": {},\n  "ada@contoso.com": {\n    "sendAs": false\n  }\n}\n',
    '{\n  "grace@contoso.com": {}\n}\n',
  ],
  ['{\n  "ada@contoso.com": {},\n  "grace@contoso.com": {}\n}\n', '{\n  "grace@contoso.com": {}\n}\n'],
])("JSON stays JSON: %j", (before, after) => {
  expect(leave({ "people.json": before }).after).toEqual({ "people.json": after });
});

test("files are looked through but for other people's, and one patch has them all", () => {
  const list = 'f(["ada@contoso.com", "grace@contoso.com"]);\n';
  const left = leave({
    "index.ts": list,
    "teams/a.ts": list,
    "node_modules/x/index.js": list,
    ".pulumi/state.json": '["ada@contoso.com", "b@x.y"]',
    "people.csv": "name,address\nAda,ada@contoso.com\n",
    "main.py": 'people = ["ada@contoso.com"]\n',
  });
  expect(left.patch.match(/^--- .*/gm)).toEqual(["--- a/index.ts", "--- a/teams/a.ts"]);
  expect(left.removed).toBe(2);
  expect(places(left)).toEqual(["main.py:1 found by its text", "people.csv:2 found by its text"]);
});

test("a list of her names alone is not emptied in YAML and JSON, and the others are cut", () => {
  const left = leave({
    "a.json": '{ "both": ["ada@contoso.com", "ADA@contoso.com"], "all": ["ada@contoso.com", "b@x.y"] }',
    "a.yaml": "both: { ada@contoso.com: {}, ADA@contoso.com: {} }\nall: [ada@contoso.com, b@x.y]\n",
  });
  expect(left.after).toEqual({
    "a.json": '{ "both": ["ada@contoso.com", "ADA@contoso.com"], "all": ["b@x.y"] }',
    "a.yaml": "both: { ada@contoso.com: {}, ADA@contoso.com: {} }\nall: [b@x.y]\n",
  });
  expect(new Set(places(left))).toEqual(
    new Set(["a.json:1 nobody else is in its list", "a.yaml:1 nobody else is in its map"]),
  );
});

test("what Pulumi wrote is not edited: states and previews beside the program", () => {
  const resource = {
    urn: "urn:pulumi:dev::contoso::t::n",
    inputs: { members: { "ada@contoso.com": {}, "b@x.y": {} } },
  };
  const left = leave({
    "prod.json": JSON.stringify({ version: 3, deployment: { resources: [resource] } }, null, 4),
    "preview.json": JSON.stringify({ steps: [{ op: "same", urn: resource.urn, newState: resource }] }),
  });
  expect(left).toMatchObject({ patch: "", removed: 0, places: [] });
  expect(left.notes).toEqual([
    "preview.json was left out: it is a state or a preview, which Pulumi wrote.",
    "prod.json was left out: it is a state or a preview, which Pulumi wrote.",
  ]);
});
