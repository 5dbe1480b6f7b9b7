import type { Row, World } from "./harness";

/** An id of the seeded tenant: its kind in the second group, its number in the last. */
export const seeded = (kind: string, number: number): string =>
  `10ca17e4-${kind}-4000-8000-${number.toString(16).padStart(12, "0")}`;

/** Ids of the seeded environment: person 1 is Ada, 4 Edsger, whose address is not approved. */
export const userId = (number: number): string => seeded("d001", number);
export const recordId = (number: number): string => seeded("d002", number);
export const profileId = (number: number): string => seeded("d003", number);
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

/** Makes a shared mailbox by hand. */
export async function makeMailbox(world: World, address: string): Promise<string> {
  const alias = address.split("@")[0];
  const [made] = await world.exchange("New-Mailbox", {
    Shared: true,
    Name: `${alias} by hand`,
    DisplayName: `The ${alias}`,
    Alias: alias,
    PrimarySmtpAddress: address,
  });
  return String(made?.ExternalDirectoryObjectId);
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
