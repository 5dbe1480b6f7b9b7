import { randomUUID } from "node:crypto";
import type { Answer, Message, Service } from "../message";
import { metadataLevel } from "../odata/listing";
import type { Tenant } from "../tenant";
import { protect, userOf } from "./caller";
import { DataverseError, notSimulated, odataVersionRequired, resourceNotFound, resourceNotSimulated } from "./errors";
import { settle } from "./jobs";
import { metadata } from "./metadata";
import { isRealResource } from "./not-simulated";
import { allowOptions } from "./query";
import {
  type DataverseRequest,
  demandMethod,
  json,
  type Preferences,
  preferences,
  type Segment,
  segments,
} from "./request";
import { entitySets, type SystemUserRow } from "./schema";
import { tableRoutes } from "./table-routes";
import { Work } from "./work";

const prefix = "/api/data/";
const root = `${prefix}v9.2/`;

/**
 * The Dataverse Web API of the tenant's environment, below `/api/data/v9.2/`: the tables of `schema`, WhoAmI and the metadata of
 * those tables. Whatever else exists in the real service is refused with a 4xx in its error shape.
 */
export function dataverseService(tenant: Tenant): Service {
  return async (message) => {
    const refused = (error: unknown): Answer => {
      if (error instanceof DataverseError) {
        const preferred = safePreferences(message.headers.prefer);
        return refusal(tenant, error, preferred?.include("Microsoft.PowerApps.CDS.HelpLink") ?? false);
      }
      throw error;
    };
    try {
      const user = userOf(tenant, message.headers.authorization);
      return withHeaders(await protect(tenant, user.systemuserid, () => answer(tenant, message, user).catch(refused)));
    } catch (error) {
      return withHeaders(refused(error));
    }
  };
}

function safePreferences(header: string | undefined): Preferences | undefined {
  try {
    return preferences(header);
  } catch {
    return undefined;
  }
}

function withHeaders(given: Answer): Answer {
  const own = { "OData-Version": "4.0", "x-ms-service-request-id": randomUUID(), "Cache-Control": "no-cache" };
  return { ...given, headers: { ...given.headers, ...own } };
}

function refusal(tenant: Tenant, error: DataverseError, annotated: boolean): Answer {
  // @documented dataverse.error-shape: Error bodies are {error: {code, message}}; annotations add help link and inner message
  // [powerapps-docs, data-platform/webapi/compose-http-requests-handle-errors.md]
  // @assumed dataverse.rule-error-status: The HTTP status of the mailbox rules' errors is 400 [powerapps-docs,
  // data-platform/webapi/compose-http-requests-handle-errors.md: anything not listed is 400]
  const annotations = annotated
    ? {
        "@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus": "0",
        "@Microsoft.PowerApps.CDS.HelpLink": `http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a${error.code}`,
        "@Microsoft.PowerApps.CDS.InnerError.Message": error.message,
      }
    : {};
  const body = { error: { code: error.code, message: error.message, ...annotations } };
  const isOtherwise = error.code.startsWith("0x8005E2") && tenant.isContrary("dataverse.rule-error-status");
  return {
    status: isOtherwise ? 403 : error.status,
    headers: { ...error.headers, "Content-Type": "application/json; odata.metadata=minimal" },
    body,
  };
}

async function answer(tenant: Tenant, { method, url, headers, text }: Message, user: SystemUserRow): Promise<Answer> {
  if (!url.pathname.startsWith(root) && url.pathname !== root.slice(0, -1)) {
    throw resourceNotFound(url.pathname.slice(prefix.length).split("/")[0] ?? "");
  }
  checkHeaders(tenant, headers);
  settle(tenant);
  const request: DataverseRequest = {
    headers,
    text,
    tenant,
    method,
    base: `${url.origin}${root}`,
    query: url.searchParams,
    user,
    work: new Work(tenant, user.systemuserid),
    prefer: preferences(headers.prefer),
    level: metadataLevel(headers.accept),
  };
  const path = segments(url.pathname.slice(root.length));
  const response = await dispatch(request, path);
  settle(tenant);
  return response;
}

function checkHeaders(tenant: Tenant, headers: Message["headers"]): void {
  // @assumed dataverse.version-headers: A request without the OData version headers is served; `strictHeaders` refuses it
  // [powerapps-docs, data-platform/webapi/compose-http-requests-handle-errors.md asks for them with every request; older clients
  // omit them]
  const isStrict = tenant.settings.strictHeaders || tenant.isContrary("dataverse.version-headers");
  for (const header of ["OData-Version", "OData-MaxVersion"]) {
    const value = headers[header.toLowerCase()];
    if (value === undefined ? isStrict : !/^4\.0(?:1)?$/.test(value.trim())) {
      throw odataVersionRequired(header);
    }
  }
  for (const header of ["MSCRMCallerID", "CallerObjectId"]) {
    if (headers[header.toLowerCase()] !== undefined) {
      throw notSimulated(`Impersonation (${header})`);
    }
  }
}

async function dispatch(request: DataverseRequest, path: Segment[]): Promise<Answer> {
  const [first, ...rest] = path;
  if (first === undefined) {
    return serviceDocument(request);
  }
  if (first.name === "WhoAmI" && (first.key ?? "") === "") {
    return whoAmI(request, rest);
  }
  if (first.name === "EntityDefinitions") {
    return metadata(request, first, rest);
  }
  if (first.name === "$batch" || first.name === "$metadata") {
    throw notSimulated(first.name);
  }
  const table = entitySets.get(first.name);
  if (table === undefined) {
    throw isRealResource(first.name) ? resourceNotSimulated(first.name) : resourceNotFound(first.name);
  }
  return tableRoutes(request, table, first.key, rest);
}

function serviceDocument(request: DataverseRequest): Answer {
  demandMethod(request, ["GET"], "the service root");
  const value = [...entitySets.keys()].map((name) => ({ name, kind: "EntitySet", url: name }));
  return json(request, { "@odata.context": `${request.base}$metadata`, value });
}

function whoAmI(request: DataverseRequest, rest: Segment[]): Answer {
  demandMethod(request, ["GET"], "WhoAmI");
  if (rest[0] !== undefined) {
    throw resourceNotFound(rest[0].name);
  }
  allowOptions(request.query, []);
  return json(request, {
    "@odata.context": `${request.base}$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse`,
    BusinessUnitId: request.user.businessunitid.id,
    UserId: request.user.systemuserid,
    OrganizationId: request.user.organizationid,
  });
}
