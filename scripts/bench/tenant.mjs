import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { serveTenant } from "../tenant.mjs";

/**
 * Serves a local tenant with many people and mailboxes in it. They are copies of a person of the seed and of a mailbox that the
 * tenant made itself, written to the journal, because thousands of cmdlets would take longer than what is measured.
 *
 * @param people how many users with a mailbox: `person1@contoso.com` and so on.
 * @param others how many shared mailboxes that no program declares: `other1@contoso.com` and so on.
 */
export async function crowdedTenant(journal, people, others) {
  const first = await serveTenant(journal);
  const { client } = first;
  await client.exchange("New-Mailbox", {
    Shared: true,
    Name: "pattern",
    DisplayName: "Pattern",
    PrimarySmtpAddress: "pattern@contoso.com",
  });
  const [recipients, users, permissions] = await Promise.all(
    ["recipients", "users", "permissions"].map((table) => client.control("GET", `state/${table}`)),
  );
  const holding = (address) =>
    Object.values(recipients).find((row) => row.emailAddresses.some((one) => one.toLowerCase() === `smtp:${address}`));
  const copies = (address, count, prefix) => {
    const recipient = holding(address);
    const user = users[recipient.externalDirectoryObjectId];
    const own = Object.values(permissions).filter((row) => row.mailbox === recipient.guid);
    return Array.from({ length: count }, (_, index) =>
      copyOf({ recipient, user, own }, `${prefix}${index + 1}`),
    ).flat();
  };
  const rows = [...copies("ada@contoso.com", people, "person"), ...copies("pattern@contoso.com", others, "other")];
  first.process.kill();
  await once(first.process, "exit");
  for (let start = 0; start < rows.length; start += 1000) {
    appendFileSync(journal, `${JSON.stringify({ at: 0, ops: rows.slice(start, start + 1000) })}\n`);
  }
  return await serveTenant(journal);
}

/** The rows of one recipient under another name. */
function copyOf({ recipient, user, own }, name) {
  const guid = randomUUID();
  const id = randomUUID();
  const address = `${name}@contoso.com`;
  const mailbox = { ...recipient.mailbox, exchangeGuid: randomUUID(), userPrincipalName: address };
  return [
    [
      "recipients",
      guid,
      {
        ...{ ...recipient, guid, mailbox, alias: name, displayName: name, name: id, externalDirectoryObjectId: id },
        sid: `${recipient.sid}-${name.replace(/\D/g, "")}${name.startsWith("person") ? 1 : 2}`,
        emailAddresses: [`SMTP:${address}`, `smtp:${name}@contoso.onmicrosoft.com`],
      },
    ],
    ["users", id, { ...user, id, userPrincipalName: address, displayName: name, mail: address, mailNickname: name }],
    ...own.map((row) => [
      "permissions",
      row.id.replace(recipient.guid, guid) === row.id ? randomUUID() : row.id.replace(recipient.guid, guid),
      { ...row, mailbox: guid, id: row.id.replace(recipient.guid, guid) },
    ]),
  ];
}

/** What was asked of a tenant while work ran: requests over the wire without sign-in, what they carried, and the cmdlets by name. */
export async function counted({ client }, work) {
  await client.control("DELETE", "requests");
  const started = Date.now();
  await work();
  const seconds = (Date.now() - started) / 1000;
  const { requests, total, writes, byService, byCmdlet, byStatus, tooEarly } = await client.control(
    "GET",
    "requests/counts",
  );
  const { login = 0, ...wire } = requests;
  return {
    requests: sum(wire),
    calls: total - login,
    writes,
    cmdlets: sum(byCmdlet),
    graph: (byService.graph?.reads ?? 0) + (byService.graph?.writes ?? 0),
    tooEarly,
    seconds,
    refused: byStatus["429"] ?? 0,
    wire,
    byCmdlet,
  };
}

function sum(counts) {
  return Object.values(counts).reduce((all, one) => all + one, 0);
}
