import { dataverseTables } from "../../provider/local-tenant/dataverse/columns";
import type { SystemUserRow, TeamRow } from "../../provider/local-tenant/dataverse/schema";
import { type Environment, ids, startEnvironment } from "./dataverse-environment";

const someId = "5f0c2f7e-0000-4000-8000-000000000001";
const rows = [
  ["mailboxes", { name: "Support forward", emailaddress: "fwd@contoso.com" }],
  ["queues", { name: "Help", emailaddress: "help@contoso.com" }],
] as const;

let environment: Environment;

beforeEach(async () => {
  environment = await startEnvironment();
});

afterEach(() => environment.close());

describe.each(rows)("owner of a row of %s", (set, body) => {
  const path = `${set}(${someId})`;

  function create(owner?: string) {
    return environment.send("PATCH", path, {
      body: owner === undefined ? body : { ...body, "ownerid@odata.bind": owner },
      headers: { "if-none-match": "*" },
    });
  }

  async function owners() {
    const { json } = await environment.send("GET", path);
    return [json._ownerid_value, json._owninguser_value, json._owningteam_value, json._owningbusinessunit_value];
  }

  // @shows dataverse.owner-default
  test("is the caller where none is bound", async () => {
    await create();
    expect(await owners()).toEqual([ids.everything, ids.everything, null, ids.businessUnit]);
  });

  test("is a user or a team, bound by a relative, a rooted, an absolute or a keyed reference", async () => {
    for (const start of ["", "/", environment.base]) {
      for (const [target, expected] of [
        [`systemusers(${ids.ada})`, [ids.ada, ids.ada, null, ids.businessUnit]],
        [`teams(${ids.team})`, [ids.team, null, ids.team, ids.businessUnit]],
        [`systemusers(systemuserid=${ids.ada.toUpperCase()})`, [ids.ada, ids.ada, null, ids.businessUnit]],
      ] as const) {
        expect((await create(start + target)).status).toBe(204);
        expect(await owners()).toEqual(expected);
        await environment.send("DELETE", path);
      }
    }
  });

  test("is changed by a bind and by $ref, and cannot be taken away", async () => {
    await create();
    const bind = (owner: string | null) =>
      environment.send("PATCH", path, { body: { "ownerid@odata.bind": owner }, headers: { "if-match": "*" } });
    expect((await bind(`/teams(${ids.team})`)).status).toBe(204);
    expect(await owners()).toEqual([ids.team, null, ids.team, ids.businessUnit]);
    const link = { "@odata.id": `${environment.base}systemusers(${ids.ada})` };
    expect((await environment.send("PUT", `${path}/ownerid/$ref`, { body: link })).status).toBe(204);
    expect(await owners()).toEqual([ids.ada, ids.ada, null, ids.businessUnit]);
    expect(await bind(null)).toMatchObject({ status: 400, code: "0x80040200" });
  });

  const refused: [string, string, number, string][] = [
    ["an unknown user", `/systemusers(${someId})`, 404, "0x80040217"],
    ["an unknown team", `/teams(${someId})`, 404, "0x80040217"],
    ["a team's id as a user's", `/systemusers(${ids.team})`, 404, "0x80040217"],
    ["an unknown set", `/owners(${ids.ada})`, 404, "0x80060888"],
    ["a row that owns nothing", `/emailserverprofiles(${ids.pop3})`, 400, "0x80048d19"],
    ["a bare id", ids.ada, 400, "0x80048d19"],
    ["no id", "/systemusers(ada)", 400, "0x80048d19"],
    ["a disabled user", `/systemusers(${ids.ada})`, 400, "0x8004022b"],
    ["a team without roles", `/teams(${ids.team})`, 400, "0x80042f0a"],
  ];
  // @shows dataverse.owner-refused
  test.each(refused)("%s is refused at create and at update", async (what, owner, status, code) => {
    const { store } = environment.tenant;
    if (what === "a disabled user") {
      const user = store.get<SystemUserRow>(dataverseTables.systemuser, ids.ada);
      store.put(dataverseTables.systemuser, ids.ada, { ...user, isdisabled: true });
    }
    if (what === "a team without roles") {
      const team = store.get<TeamRow>(dataverseTables.team, ids.team);
      store.put(dataverseTables.team, ids.team, { ...team, roles: [] });
    }
    expect(await create(owner)).toMatchObject({ status, code });
    expect((await environment.send("GET", path)).status).toBe(404);
    await create();
    const update = { body: { "ownerid@odata.bind": owner, name: "x" }, headers: { "if-match": "*" } };
    expect(await environment.send("PATCH", path, update)).toMatchObject({ status, code });
    expect((await environment.send("GET", path)).json).toMatchObject({
      name: body.name,
      _ownerid_value: ids.everything,
    });
  });
});

test("a team made over the wire holds no role, and so owns nothing", async () => {
  const { json } = await environment.send("POST", "teams", {
    body: { name: "New" },
    headers: { prefer: "return=representation" },
  });
  const body = { name: "x", emailaddress: "x@contoso.com", "ownerid@odata.bind": `/teams(${json.teamid})` };
  expect(await environment.send("POST", "mailboxes", { body })).toMatchObject({ status: 400, code: "0x80042f0a" });
});
