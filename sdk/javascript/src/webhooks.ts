/** Webhooks: is it ours, and what does it say? For servers. */

import { Webhook } from "standardwebhooks";

import { SignatureInvalid } from "./errors.js";

/** An event as it is sent. */
export interface WebhookEvent {
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
}

/**
 * The event of a webhook that this secret (`whsec_…`) signs; throws SignatureInvalid.
 *
 * `body` is what was received, letter for letter: a body that was parsed and written again has
 * another signature. A message older than five minutes is refused, too.
 */
export function verifyWebhook(
  secret: string,
  headers: Headers | Record<string, string>,
  body: string,
): WebhookEvent {
  const plain = headers instanceof Headers ? Object.fromEntries(headers) : headers;
  try {
    return new Webhook(secret).verify(body, plain) as WebhookEvent;
  } catch (error) {
    throw new SignatureInvalid(String(error), { cause: error });
  }
}
