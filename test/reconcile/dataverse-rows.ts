import { failure, type Resource, type Row, type World } from "./harness";

/** An id of the seeded tenant: its kind in the second group, its number in the last. */
export const seeded = (kind: string, number: number): string =>
  `10ca17e4-${kind}-4000-8000-${number.toString(16).padStart(12, "0")}`;

/** Ids of the seeded environment: person 1 is Ada, 4 Edsger, whose address is not approved. */
export const userId = (number: number): string => seeded("d001", number);
export const recordId = (number: number): string => seeded("d002", number);
export const profileId = (number: number): string => seeded("d003", number);
/** What Dataverse stores for a date that never was. */
export const NEVER = "1900-01-01T00:00:00Z";
export const sales = { queue: seeded("d004", 1), record: recordId(0x100) };

/** A row as the Web API gives it; `{}` where there is none. */
export async function row(world: World, set: string, id: string): Promise<Row> {
  return (await world.dataverse("GET", `/${set}(${id})`)) ?? {};
}

/** The mailbox record with an id, as the Web API gives it. */
export const record = (world: World, id: string): Promise<Row> => row(world, "mailboxes", id);

/** The rows of a table that fit a filter. */
export async function rows(world: World, set: string, filter: string): Promise<Row[]> {
  const list = await world.dataverse("GET", `/${set}?$filter=${filter}`);
  return (list?.value ?? []) as Row[];
}

/** Forgets the requests so far, so that {@link patches} tells those of what comes next. */
export async function forgetRequests(world: World): Promise<void> {
  await world.control("DELETE", "requests");
}

/** What was sent to rows of a table since the requests were forgotten: bodies of PATCH, in order. */
export async function patches(world: World, set: string): Promise<Row[]> {
  const sent = (await world.control("GET", "requests?service=dataverse&method=PATCH")) as unknown as Row[];
  return sent.filter(({ path }) => String(path).includes(`/${set}(`)).map(({ body }) => body as Row);
}

/** The forward mailbox records of the environment. */
export const forwardMailboxes = (world: World): Promise<Row[]> => rows(world, "mailboxes", "isforwardmailbox eq true");

/** The inbox rules of a mailbox, as Graph shows them to an application that may see them. */
export async function rules(world: World, mailbox: string): Promise<Row[]> {
  const list = await world.graph("GET", `/users/${mailbox}/mailFolders/inbox/messageRules`);
  return (list?.value ?? []) as Row[];
}

/** Refresh, change and destroy of a resource whose state is another organisation's are refused, and nothing is written. */
export async function expectForeign(world: World, resource: Resource, changed: Row): Promise<void> {
  const organization = seeded("d000", 9);
  resource.outputs.organizationId = organization;
  for (const attempt of [() => resource.refresh(), () => resource.up(changed), () => resource.destroy()]) {
    expect(await failure(attempt())).toContain(`organisation ${organization}`);
  }
  expect(await world.writes()).toEqual([]);
}

/** Exchange shows no recipient any more. */
export async function hideRecipients(world: World): Promise<void> {
  await world.fault({
    service: "exchange",
    cmdlet: "Get-Recipient",
    times: "always",
    answer: { status: 200, body: { "@adminapi.warnings": [], value: [] } },
  });
}
