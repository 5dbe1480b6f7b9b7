import type { Access, MailboxAccess, Report } from "../../provider/access/report";

/** Access of somebody, declared by a stack unless something else is given. */
export function access(person: string, given: Partial<Access> = {}): Access {
  const rights = ["Full Access", "Send As"].map((right) => ({ right, declaredBy: ["contoso/prod people"] }));
  return { person, id: `id of ${person}`, kind: "person", rights, findings: [], ...given };
}

/** A mailbox by its local part. */
export function mailbox(name: string, people: Access[], given: Partial<MailboxAccess> = {}): MailboxAccess {
  const address = `${name}@contoso.com`;
  return {
    id: `id of ${name}`,
    address,
    displayName: "",
    declaredBy: [],
    unread: [],
    access: people,
    findings: [],
    ...given,
  };
}

export function report(mailboxes: MailboxAccess[], given: Partial<Report> = {}): Report {
  return { day: "2027-01-20", tenantId: "tenant", stacks: ["contoso/prod"], mailboxes, notes: [], ...given };
}

/** A review of many mailboxes, each with as many people, who are others on every mailbox. */
export function manyMailboxes(count: number, people: number): Report {
  return report(
    Array.from({ length: count }, (_, index) =>
      mailbox(
        `box${index}`,
        Array.from({ length: people }, (__, place) => {
          const number = (index * 7 + place * 31) % 500;
          const findings = number % 50 === 0 ? [{ code: "leaver" as const, text: "the account is blocked" }] : [];
          return access(`person${number}@contoso.com`, { displayName: `Person Number ${number}`, findings });
        }),
        { displayName: `Team ${index}` },
      ),
    ),
  );
}
