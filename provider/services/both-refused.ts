import { ProviderError, type ServiceError } from "../http/errors";

/**
 * The error for something that Graph and Exchange can both do and both refuse: what each of them said, with the request's id, and
 * what is needed.
 *
 * @param need the rights of which one is enough, as a sentence.
 */
export function bothRefused(byGraph: ServiceError, byExchange: ServiceError, need: string): ProviderError {
  return new ProviderError({
    action: byExchange.action,
    words: `Microsoft Graph: ${saidBy(byGraph)}; Exchange: ${saidBy(byExchange)}`,
    nextStep: `${need} A new grant can take an hour to work.`,
    cause: byExchange,
  });
}

function saidBy({ words, code, requestId, clientRequestId }: ServiceError): string {
  const id = requestId ?? clientRequestId;
  return [
    words.replace(/\.$/, ""),
    ...(code === "" || words.includes(code) ? [] : [`[${code}]`]),
    ...(id === undefined ? [] : [`(request ${id})`]),
  ].join(" ");
}
