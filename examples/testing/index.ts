import { TeamMailbox } from "./team-mailbox";

const sales = new TeamMailbox("sales", { name: "sales", people: ["ada@contoso.com", "grace@contoso.com"] });

export const address = sales.address;
