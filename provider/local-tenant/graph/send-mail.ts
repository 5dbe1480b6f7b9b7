import { deliver } from "./delivery";
import { primaryAddress } from "./directory";
import { requestBodyRead } from "./errors";
import { requireMailbox } from "./mailbox";
import { type Answer, bodyOf, type GraphRequest, isObject } from "./request";

/** POST /users/{id}/sendMail: one message to each recipient, delivered at once. Attachments and saved copies are not simulated. */
export async function sendMail(request: GraphRequest): Promise<Answer> {
  const { recipient } = requireMailbox(request);
  const { message } = bodyOf(request);
  if (!isObject(message) || !Array.isArray(message.toRecipients) || message.toRecipients.length === 0) {
    throw requestBodyRead("The message needs at least one recipient in 'toRecipients'.");
  }
  const subject = typeof message.subject === "string" ? message.subject : "";
  const addresses = message.toRecipients.map((given) => {
    const address = isObject(given) && isObject(given.emailAddress) ? given.emailAddress.address : undefined;
    if (typeof address !== "string" || !/^[^@\s]+@[^@\s]+$/.test(address)) {
      throw requestBodyRead("A recipient has no emailAddress with an address.");
    }
    return address;
  });
  for (const to of addresses) {
    await deliver(request.tenant, { from: primaryAddress(recipient) ?? "", to, subject });
  }
  return { status: 202 };
}
