import { createHash } from "node:crypto";
import { addressed } from "../directory";
import type { Answer } from "../message";
import { type Message, tables } from "../model";
import { isPlainObject, names } from "../values";
import { collectionAnswer, type EntityType, entityAnswer } from "./collection";
import { isSame, type MailboxOwner, requireMailbox } from "./directory";
import { itemNotFound, notSimulated } from "./errors";
import type { GraphRequest, Json } from "./request";

/** Folders every mailbox has; a message is in one of them. */
const folders: Readonly<Record<string, string>> = {
  inbox: "Inbox",
  archive: "Archive",
  deleteditems: "Deleted Items",
  drafts: "Drafts",
  junkemail: "Junk Email",
  sentitems: "Sent Items",
};

/** Id of a folder of a mailbox, as Outlook's ids look; the folder's well-known name stands for it in requests. */
export function folderId(mailbox: string, folder: string): string {
  const digest = createHash("sha256").update(`${mailbox.toLowerCase()}/${folder}`).digest();
  return `AAMkAD${Buffer.concat([digest, digest.subarray(0, 14)]).toString("base64url")}AAA=`;
}

/** The well-known name of the folder that an id or a name stands for; undefined for a folder that is not there. */
export function folderNamed(mailbox: string, key: string): string | undefined {
  return Object.keys(folders).find((name) => isSame(name, key) || folderId(mailbox, name) === key);
}

const rules = {
  takesSkip: true,
  unfilterable: [],
  advanced: new Set<string>(),
  refused: new Set<string>(),
};

/** What a message shows without `$select`. */
const messageMembers = names(`
  id createdDateTime lastModifiedDateTime receivedDateTime sentDateTime hasAttachments internetMessageId subject
  bodyPreview importance parentFolderId isRead isDraft body sender from toRecipients ccRecipients bccRecipients
  replyTo attachments
`);

const messageType: EntityType = {
  ...rules,
  type: "microsoft.graph.message",
  resource: "Message",
  members: [...messageMembers, "changeKey", "categories", "conversationId", "webLink", "inferenceClassification"],
  defaults: messageMembers,
  pageSize: 10,
  largestPage: 1000,
};

const attachmentType: EntityType = {
  ...rules,
  type: "microsoft.graph.attachment",
  resource: "Attachment",
  members: ["id", "lastModifiedDateTime", "name", "contentType", "size", "isInline", "item"],
  pageSize: 1000,
  largestPage: 1000,
};

const folderType: EntityType = {
  ...rules,
  type: "microsoft.graph.mailFolder",
  resource: "MailFolder",
  members: ["id", "displayName", "parentFolderId", "childFolderCount", "unreadItemCount", "totalItemCount", "isHidden"],
  pageSize: 10,
  largestPage: 1000,
};

/** GET /users/{id}/messages: every folder, newest first. */
export function listMessages(request: GraphRequest): Answer {
  return messagesAnswer(request, requireMailbox(request), undefined);
}

/** GET /users/{id}/mailFolders/{folder}/messages */
export function listFolderMessages(request: GraphRequest): Answer {
  const owner = requireMailbox(request);
  return messagesAnswer(request, owner, requireFolder(owner, request.keys[1] ?? ""));
}

/** GET /users/{id}/messages/{id} */
export function getMessage(request: GraphRequest): Answer {
  const owner = requireMailbox(request);
  const entity = messageEntity(request, requireMessage(request, owner));
  return entityAnswer(withoutExpand(request), messageType, entity, `users('${owner.user.id}')/messages`);
}

/** GET /users/{id}/messages/{id}/attachments: one item at most, the message a rule forwarded. */
export function listAttachments(request: GraphRequest): Answer {
  const owner = requireMailbox(request);
  const message = requireMessage(request, owner);
  return collectionAnswer(
    withoutExpand(request),
    attachmentType,
    attachmentEntities(request, message),
    `users('${owner.user.id}')/messages('${message.id}')/attachments`,
  );
}

/** GET /users/{id}/messages/{id}/attachments/{id} */
export function getAttachment(request: GraphRequest): Answer {
  const owner = requireMailbox(request);
  const message = requireMessage(request, owner);
  const attachment = attachmentEntities(request, message).find((entity) => entity.id === request.keys[2]);
  if (attachment === undefined) {
    throw itemNotFound();
  }
  return entityAnswer(
    withoutExpand(request),
    attachmentType,
    attachment,
    `users('${owner.user.id}')/messages('${message.id}')/attachments`,
  );
}

/** GET /users/{id}/mailFolders */
export function listFolders(request: GraphRequest): Answer {
  const owner = requireMailbox(request);
  const entities = Object.keys(folders).map((folder) => folderEntity(request, owner, folder));
  return collectionAnswer(request, folderType, entities, `users('${owner.user.id}')/mailFolders`);
}

/** GET /users/{id}/mailFolders/{folder} */
export function getFolder(request: GraphRequest): Answer {
  const owner = requireMailbox(request);
  const folder = requireFolder(owner, request.keys[1] ?? "");
  return entityAnswer(
    request,
    folderType,
    folderEntity(request, owner, folder),
    `users('${owner.user.id}')/mailFolders`,
  );
}

function messagesAnswer(request: GraphRequest, owner: MailboxOwner, folder: string | undefined): Answer {
  const messages = messagesIn(request, owner, folder)
    .map((message) => messageEntity(request, message))
    .reverse();
  return collectionAnswer(withoutExpand(request), messageType, messages, `users('${owner.user.id}')/messages`);
}

function messagesIn(request: GraphRequest, owner: MailboxOwner, folder: string | undefined): Message[] {
  return request.tenant.store
    .allSeen<Message>("graph", tables.messages)
    .filter(
      (message) =>
        message.mailbox === owner.user.id && (folder === undefined || (message.folder ?? "inbox") === folder),
    );
}

function requireMessage(request: GraphRequest, owner: MailboxOwner): Message {
  const message = request.tenant.store.seen<Message>("graph", tables.messages, request.keys[1] ?? "");
  if (message === undefined || message.mailbox !== owner.user.id) {
    throw itemNotFound();
  }
  return message;
}

function requireFolder(owner: MailboxOwner, key: string): string {
  const folder = folderNamed(owner.user.id, key);
  if (folder === undefined) {
    throw itemNotFound();
  }
  return folder;
}

function messageEntity(request: GraphRequest, message: Message): Json {
  const from = recipientEntity(request, message.from);
  return {
    id: message.id,
    createdDateTime: message.receivedDateTime,
    lastModifiedDateTime: message.receivedDateTime,
    changeKey: Buffer.from(message.id).toString("base64url"),
    categories: [],
    receivedDateTime: message.receivedDateTime,
    sentDateTime: message.receivedDateTime,
    hasAttachments: message.attachment !== null,
    internetMessageId: `<${message.id}@local.tenant>`,
    subject: message.subject,
    bodyPreview: "",
    importance: "normal",
    parentFolderId: folderId(message.mailbox, message.folder ?? "inbox"),
    conversationId: message.id,
    isRead: false,
    isDraft: false,
    webLink: null,
    inferenceClassification: "focused",
    body: { contentType: "text", content: "" },
    sender: from,
    from,
    toRecipients: [recipientEntity(request, message.to)],
    ccRecipients: [],
    bccRecipients: [],
    replyTo: [],
    ...(expands(request, "attachments") ? { attachments: attachmentEntities(request, message) } : {}),
  };
}

function attachmentEntities(request: GraphRequest, message: Message): Json[] {
  const { attachment } = message;
  if (attachment === null) {
    return [];
  }
  const expanded = expands(request, "microsoft.graph.itemAttachment/item") || expands(request, "item");
  return [
    {
      "@odata.type": "#microsoft.graph.itemAttachment",
      id: `${message.id}-1`,
      lastModifiedDateTime: message.receivedDateTime,
      name: attachment.subject,
      contentType: null,
      size: Buffer.byteLength(attachment.subject) + 1024,
      isInline: false,
      ...(expanded
        ? {
            item: {
              "@odata.type": "#microsoft.graph.message",
              id: "",
              subject: attachment.subject,
              from: recipientEntity(request, attachment.from),
              sender: recipientEntity(request, attachment.from),
              toRecipients: [recipientEntity(request, attachment.to)],
              hasAttachments: false,
            },
          }
        : {}),
    },
  ];
}

function recipientEntity(request: GraphRequest, address: string): Json {
  const known = addressed(request.tenant, address);
  return { emailAddress: { name: known?.displayName ?? address, address } };
}

function folderEntity(request: GraphRequest, owner: MailboxOwner, folder: string): Json {
  const count = messagesIn(request, owner, folder).length;
  return {
    id: folderId(owner.user.id, folder),
    displayName: folders[folder],
    parentFolderId: folderId(owner.user.id, "msgfolderroot"),
    childFolderCount: 0,
    unreadItemCount: count,
    totalItemCount: count,
    isHidden: false,
  };
}

function expands(request: GraphRequest, what: string): boolean {
  return (request.query.get("expand") ?? "")
    .split(",")
    .some((part) => isSame(part.trim().replace(/\(.*\)$/, ""), what));
}

/** The request without the one `$expand` that is known; any other is refused. */
function withoutExpand(request: GraphRequest): GraphRequest {
  const expand = request.query.get("expand");
  if (expand === undefined) {
    return request;
  }
  if (!expands(request, "attachments") && !expands(request, "microsoft.graph.itemAttachment/item")) {
    throw notSimulated(`$expand=${expand}`);
  }
  const query = new Map(request.query);
  query.delete("expand");
  return { ...request, query };
}

/** True for a JSON object with an address: what a rule's recipient is. */
export function addressOf(value: unknown): string | undefined {
  const emailAddress = isPlainObject(value) ? value.emailAddress : undefined;
  return isPlainObject(emailAddress) && typeof emailAddress.address === "string" ? emailAddress.address : undefined;
}
