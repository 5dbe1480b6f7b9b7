import { type Claim, environmentName, rowName } from "../claims";
import type { Properties } from "../reconciler";

/** What a program should know of an address that several of its resources give to rows of one Dynamics environment. */
export function claimsOfAddress({
  emailAddress,
  environmentUrl,
}: {
  emailAddress?: string | undefined;
  environmentUrl?: string | undefined;
}): Claim[] {
  return emailAddress === undefined
    ? []
    : [
        {
          path: "emailAddress",
          thing: [environmentName(environmentUrl), `address/${emailAddress}`],
          reason: (_own, other) =>
            `emailAddress ${emailAddress} is that of ${other}, too: Dynamics reads one mailbox for both, and each message becomes a record ` +
            "of either or of both. Give each an address of its own.",
          isAdvice: true,
        },
      ];
}

/** What a program should know of a mailbox record that several of its resources declare. */
export function claimsOfRecord({ user, queue, environmentUrl }: Properties): Claim[] {
  const [path, whose] = user === undefined ? (["queue", queue] as const) : (["user", user] as const);
  return typeof whose !== "string"
    ? []
    : [
        {
          path,
          thing: [environmentName(environmentUrl as string | undefined), rowName(path, whose), "declared"],
          reason: (_own, other) =>
            `${path} ${whose} is that of ${other}, too: both declare one mailbox record. Declare it once.`,
          isAdvice: true,
        },
      ];
}
