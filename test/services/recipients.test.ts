import type { CallContext } from "../../provider/http/call";
import { Exchange } from "../../provider/services/exchange";
import { Graph } from "../../provider/services/graph";
import { Mailboxes } from "../../provider/services/mailboxes";
import { Recipients } from "../../provider/services/recipients";
import { type Asked, pipelineTo, type Reply, type Service, startService, within } from "../http/service";

const id = "10ca17e4-a001-4000-8000-000000000001";
const bounds = (): CallContext => within(60_000);
const services: Service[] = [];

afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.stop()));
});

/** A service in which a person has the addresses given by `answer`, told `after` milliseconds, and everything that was asked of it. */
async function people(answer: () => string[], after?: number) {
  const service = await startService((asked: Asked): Reply => {
    const name = (JSON.parse(asked.body || "{}") as { CmdletInput?: { CmdletName: string } }).CmdletInput?.CmdletName;
    if (name === "Get-AcceptedDomain") {
      return { status: 200, body: { value: [{ DomainName: "contoso.com", DomainType: "Authoritative" }] } };
    }
    if (name !== "Get-Recipient") {
      const missing = { error: { code: "Request_ResourceNotFound", message: "does not exist" } };
      return asked.method === "GET" ? { status: 404, body: missing } : { status: 200, body: { value: [] } };
    }
    const rows = answer().map((address) => ({
      ExternalDirectoryObjectId: id,
      EmailAddresses: [`SMTP:${address}`],
      PrimarySmtpAddress: address,
    }));
    return { status: 200, body: { value: rows }, ...(after === undefined ? {} : { after }) };
  });
  services.push(service);
  const pipeline = pipelineTo(service.origin);
  const exchange = new Exchange(pipeline, () => Promise.resolve("tenant"), bounds);
  const asked = (what: string) => service.asked.filter(({ body }) => body.includes(`"${what}"`)).length;
  return { recipients: new Recipients(exchange, new Graph(pipeline, bounds)), exchange, asked };
}

const ada = "ada@contoso.com";
const write = (exchange: Exchange) =>
  exchange.write({ name: "Set-Mailbox", parameters: { Identity: id }, action: "changing" }, id, bounds());

test("somebody who was found is asked for once, however they are spelled", async () => {
  const { recipients, asked } = await people(() => [ada]);
  for (const spelling of [ada, "Ada@Contoso.com", ada]) {
    expect(await recipients.named(spelling)).toMatchObject([{ id }]);
  }
  expect(asked("Get-Recipient")).toBe(1);
});

test("somebody who was not found is asked for each time", async () => {
  let known: string[] = [];
  const { recipients } = await people(() => known);
  expect(await recipients.withAddress(ada)).toEqual([]);
  known = [ada];
  expect(await recipients.withAddress(ada)).toHaveLength(1);
});

test("somebody who was written to is asked for again", async () => {
  let known = [ada];
  const { recipients, exchange } = await people(() => known);
  expect(await recipients.withAddress(ada)).toHaveLength(1);
  known = ["ada.lovelace@contoso.com"];
  await write(exchange);
  expect(await recipients.withAddress(ada)).toEqual([]);
});

test("an answer that a write overtook is not remembered", async () => {
  let known = [ada];
  const { recipients, exchange, asked } = await people(() => known, 200);
  const asking = recipients.withAddress(ada);
  // The question is on its way, and its answer is told before the write and arrives after it.
  while (asked("Get-Recipient") === 0) {
    await new Promise(setImmediate);
  }
  known = ["ada.lovelace@contoso.com"];
  await write(exchange);
  expect(await asking).toHaveLength(1);
  expect(await recipients.withAddress(ada)).toEqual([]);
});

test("the accepted domains are asked for once", async () => {
  const { exchange, asked } = await people(() => []);
  const mailboxes = new Mailboxes(exchange, []);
  await Promise.all([mailboxes.acceptedDomains(), mailboxes.acceptedDomains()]);
  expect([...((await mailboxes.acceptedDomains()) ?? [])]).toEqual([
    ["contoso.com", { isAuthoritative: true, isDefault: false }],
  ]);
  expect(asked("Get-AcceptedDomain")).toBe(1);
});
