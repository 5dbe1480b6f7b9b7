import { isClass } from "../http/errors";
import { sameText } from "../services/mailboxes";
import { explainHolders } from "./recipient-named";
import type { Change, Operation, Properties, Reconciler } from "./reconciler";
import { mailboxThing } from "./registry";
import {
  addressChanges,
  addressParameters,
  aliasesOf,
  derivedAlias,
  requireAcceptedDomains,
  requireFreeAliases,
} from "./shared-mailbox/addresses";
import { create, find, requireCloudMailbox } from "./shared-mailbox/creation";
import { remove } from "./shared-mailbox/deletion";
import { type Desired, type Observed, type SharedMailboxInputs, schema } from "./shared-mailbox/desired";
import {
  desiredForwarding,
  forwardingAsRead,
  forwardingParameters,
  forwardingTarget,
  forwardsTo,
  observedForwarding,
  requireNoLoop,
} from "./shared-mailbox/forwarding";
import { mailboxAndAccount } from "./witnesses";
import { written } from "./written";

/**
 * A shared mailbox of Exchange Online: the mailbox, its addresses and forwarding through the Exchange admin API, the sign-in
 * of the account behind it through Graph. It does not touch who may use the mailbox, licences, or what is in it.
 */
export const sharedMailbox: Reconciler<SharedMailboxInputs, Desired, Observed> = {
  kind: "SharedMailbox",
  schema,
  keyed: {},
  check,
  advise,
  replaces: () => [],
  respelled: () => [],

  declare(state, inputs, origin, registry) {
    const id = String(state.id);
    registry.declare(mailboxThing(id), origin);
    for (const address of [inputs.primarySmtpAddress, ...((inputs.emailAliases as string[] | undefined) ?? [])]) {
      registry.declareAddress(String(address), id);
    }
  },

  async resolve(inputs, operation) {
    await requireAcceptedDomains(inputs, operation);
    return {
      inputs,
      alias: inputs.alias ?? derivedAlias(inputs.primarySmtpAddress, operation.origin),
      target: inputs.forwarding === undefined ? undefined : await forwardingTarget(inputs.forwarding, operation),
    };
  },

  find,
  ensure: create,
  observe,
  id: ({ mailbox }) => mailbox.id,
  difference,
  apply,
  finish,

  outputs(_desired, { mailbox, user, forwardsTo: recipient }, { state }) {
    return {
      ...(state.created === true ? { created: true } : {}),
      userPrincipalName: mailbox.userPrincipalName,
      mailNickname: mailbox.alias,
      exchangeGuid: mailbox.exchangeGuid,
      addresses: [...mailbox.emailAddresses].sort(),
      recipientTypeDetails: mailbox.recipientTypeDetails,
      accountEnabled: user.accountEnabled,
      createdAt: mailbox.createdAt,
      ...(recipient === undefined ? {} : { forwardingId: recipient.id }),
    };
  },

  async inputs(state, observed) {
    const { mailbox, user } = observed;
    const declared = state as Partial<SharedMailboxInputs>;
    return {
      ...state,
      ...only(state, {
        displayName: mailbox.displayName,
        primarySmtpAddress: mailbox.primarySmtpAddress,
        alias: sameText(mailbox.alias, declared.alias ?? "") ? declared.alias : mailbox.alias,
        emailAliases: aliasesOf(mailbox, declared.emailAliases),
        signInBlocked: !user.accountEnabled,
        hiddenFromAddressLists: mailbox.isHidden,
        forwarding: forwardingAsRead(declared.forwarding, state.forwardingId as string | undefined, observed),
      }),
    };
  },

  remove,
};

function check({ primarySmtpAddress, emailAliases, forwarding }: Partial<SharedMailboxInputs>) {
  const problems = [];
  if (forwarding !== undefined && [primarySmtpAddress, ...(emailAliases ?? [])].includes(forwarding.to)) {
    problems.push({
      path: "forwarding.to",
      reason: "is an address of this very mailbox; mail would go round in a loop",
    });
  }
  if (primarySmtpAddress !== undefined && emailAliases?.includes(primarySmtpAddress)) {
    problems.push({ path: "emailAliases", reason: "has the primary address in it; leave it out here" });
  }
  return problems;
}

function advise(inputs: Partial<SharedMailboxInputs>, olds: Partial<SharedMailboxInputs> | undefined): string[] {
  if (olds === undefined) {
    return [];
  }
  const { alias, emailAliases, primarySmtpAddress } = inputs;
  const advice = [];
  if (isSet(olds.alias) && alias === undefined) {
    advice.push("alias is no longer declared; the mailbox keeps the one it has.");
  }
  const dropped = [
    ...(olds.emailAliases ?? []),
    ...(olds.primarySmtpAddress === undefined ? [] : [olds.primarySmtpAddress]),
  ]
    .filter((address) => primarySmtpAddress !== undefined && address !== primarySmtpAddress)
    .filter((address) => emailAliases !== undefined && !emailAliases.includes(address));
  if (dropped.length > 0) {
    advice.push(`Mail to ${dropped.join(", ")} will bounce: no longer among the declared addresses.`);
  }
  return advice;
}

async function observe(id: string, desired: Desired | undefined, operation: Operation): Promise<Observed | undefined> {
  const seen = await mailboxAndAccount(id, operation);
  return seen === undefined ? undefined : { ...seen, forwardsTo: await forwardsTo(seen.mailbox, desired, operation) };
}

function difference(desired: Desired, previous: Properties, observed: Observed): Change[] {
  const { inputs } = desired;
  const { mailbox, user } = observed;
  const isHidden = inputs.hiddenFromAddressLists ?? (isSet(previous.hiddenFromAddressLists) ? false : mailbox.isHidden);
  const isForwardingManaged = inputs.forwarding !== undefined || isSet(previous.forwarding);
  const pairs: [property: string, from: unknown, to: unknown][] = [
    ["displayName", mailbox.displayName, inputs.displayName],
    ["primarySmtpAddress", mailbox.primarySmtpAddress, inputs.primarySmtpAddress],
    ["alias", mailbox.alias, inputs.alias ?? mailbox.alias],
    ["signInBlocked", !user.accountEnabled, inputs.signInBlocked],
    ["hiddenFromAddressLists", mailbox.isHidden, isHidden],
    [
      "forwarding",
      observedForwarding(observed),
      isForwardingManaged ? desiredForwarding(desired) : observedForwarding(observed),
    ],
  ];
  return [
    ...pairs
      .filter(([, from, to]) => JSON.stringify(from) !== JSON.stringify(to))
      .map(([property, from, to]) => ({ path: [property], from, to })),
    ...addressChanges(desired, previous, observed),
  ];
}

async function apply(changes: readonly Change[], desired: Desired, observed: Observed, operation: Operation) {
  const { inputs } = desired;
  const { mailbox } = observed;
  const { mailboxes, graph } = operation.services;
  const who = mailbox.primarySmtpAddress;
  const has = (property: string) => changes.some(({ path }) => path[0] === property);
  requireCloudMailbox(mailbox, `changing shared mailbox ${who}`);
  if (has("emailAliases")) {
    await requireFreeAliases(inputs, mailbox, operation);
  }
  if (has("forwarding")) {
    await requireNoLoop(desired, mailbox, operation);
  }
  const parameters = {
    ...(has("displayName") ? { DisplayName: inputs.displayName } : {}),
    ...(has("alias") ? { Alias: inputs.alias } : {}),
    ...(has("hiddenFromAddressLists") ? { HiddenFromAddressListsEnabled: inputs.hiddenFromAddressLists ?? false } : {}),
    ...(has("forwarding") ? forwardingParameters(desired) : {}),
    ...addressParameters(changes, desired, mailbox),
  };
  if (Object.keys(parameters).length > 0) {
    const names = [...new Set(changes.map(({ path }) => path[0]))].filter((name) => name !== "signInBlocked");
    const action = `changing ${names.join(", ")} of shared mailbox ${who}`;
    try {
      const warnings = await written(
        () => mailboxes.set(mailbox.id, parameters, action, operation),
        () =>
          noteWrites(
            changes.filter(({ path }) => path[0] !== "signInBlocked"),
            inputs,
            operation,
          ),
      );
      for (const warning of warnings) {
        operation.warn(`${action}: Exchange: ${warning}`);
      }
    } catch (error) {
      const isTaken = isClass(error, "addressConflict") && has("primarySmtpAddress");
      throw isTaken ? await explainHolders(error, "primarySmtpAddress", inputs.primarySmtpAddress, operation) : error;
    }
  }
  if (has("primarySmtpAddress") && sameText(mailbox.userPrincipalName, mailbox.primarySmtpAddress)) {
    // MicrosoftOnlineServicesID belongs to another parameter set of Set-Mailbox than the addresses.
    const action = `changing the sign-in name of shared mailbox ${who}`;
    await mailboxes.set(mailbox.id, { MicrosoftOnlineServicesID: inputs.primarySmtpAddress }, action, operation);
    operation.warn(`The sign-in name followed the primary address, which it equalled: ${inputs.primarySmtpAddress}.`);
  }
  if (has("signInBlocked")) {
    const action = `${inputs.signInBlocked ? "blocking" : "allowing"} sign-in of ${who}`;
    try {
      await written(
        () => graph.setAccountEnabled(mailbox.id, !inputs.signInBlocked, action, operation),
        () =>
          noteWrites(
            changes.filter(({ path }) => path[0] === "signInBlocked"),
            inputs,
            operation,
          ),
      );
    } catch (error) {
      if (!isClass(error, "forbidden")) {
        throw error;
      }
      // Without the Graph permission Exchange can still do it (semantics of Set-Mailbox -AccountDisabled), sessions aside.
      await mailboxes.set(mailbox.id, { AccountDisabled: inputs.signInBlocked }, action, operation);
    }
  }
}

/** Notes in the state what was or may have been written, so that a failure later on leaves nothing behind unknown. */
function noteWrites(changes: readonly Change[], inputs: SharedMailboxInputs, { state }: Operation): void {
  for (const { path, to } of changes) {
    const [property = "", address] = path;
    if (address === undefined) {
      const value = inputs[property as keyof SharedMailboxInputs];
      state[property] = value ?? state[property];
    } else if (to !== undefined) {
      state[property] = [...new Set([...((state[property] as string[] | undefined | null) ?? []), address])].sort();
    }
  }
}

async function finish(desired: Desired, _previous: Properties, observed: Observed, operation: Operation) {
  const { inputs } = desired;
  if (observed.isAdopted === true && inputs.emailAliases !== undefined) {
    const surplus = aliasesOf(observed.mailbox, inputs.emailAliases).filter(
      (address) => !inputs.emailAliases?.includes(address),
    );
    if (surplus.length > 0) {
      operation.warn(
        `Addresses that are not declared were left: ${surplus.join(", ")}. \`pulumi up --refresh\` removes them.`,
      );
    }
  }
  return observed;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Of `read` the properties that `state` holds. */
function only(state: Properties, read: Properties): Properties {
  return Object.fromEntries(Object.entries(read).filter(([property]) => property in state));
}
