import { isClass } from "../../http/errors";
import { written } from "../written";
import type { Facet } from "./facet";

/** Whether somebody can sign in to the account behind the mailbox. */
export const signIn: Facet = {
  properties: ["signInBlocked"],

  difference({ inputs: { signInBlocked } }, _previous, { user }) {
    return signInBlocked === !user.accountEnabled
      ? []
      : [{ path: ["signInBlocked"], from: !user.accountEnabled, to: signInBlocked }];
  },

  async apply(changes, { inputs: { signInBlocked } }, { mailbox }, operation) {
    if (!changes.some(({ path }) => path[0] === "signInBlocked")) {
      return;
    }
    const { graph, mailboxes } = operation.services;
    const action = `${signInBlocked ? "blocking" : "allowing"} sign-in of ${mailbox.primarySmtpAddress}`;
    try {
      await written(
        () => graph.setAccountEnabled(mailbox.id, !signInBlocked, action, operation),
        () => Object.assign(operation.state, { signInBlocked }),
      );
    } catch (error) {
      if (!isClass(error, "forbidden")) {
        throw error;
      }
      // Without the Graph permission Exchange can still do it (Set-Mailbox -AccountDisabled), open sessions aside.
      await mailboxes.set(mailbox.id, { AccountDisabled: signInBlocked }, action, operation);
    }
  },

  read: ({ user }) => ({ signInBlocked: !user.accountEnabled }),
  outputs: ({ user }) => ({ accountEnabled: user.accountEnabled }),
};
