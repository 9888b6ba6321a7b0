import { NoToken, type OAuthToken, type TokenGiver } from './token-source.ts';

/**
 * Tokens for Amazon MSK: a request to it, signed by what AWS's own chain of credentials finds (environment, web identity,
 * profile, instance). Nobody but that chain is asked; AWS's code is loaded with the first token.
 */
export function mskIamTokens(region: string): TokenGiver {
  return { name: 'AWS', fetch: () => sign(region) };
}

/** AWS's chain knows no end: who waits for it has one. */
async function sign(region: string): Promise<OAuthToken> {
  const { generateAuthToken } = await import('aws-msk-iam-sasl-signer-js');
  try {
    const { token, expiryTime } = await generateAuthToken({ region });
    return { value: token, expiresAtMs: expiryTime };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new NoToken(`AWS gives no credentials to sign a token with: ${why}`, { cause: error });
  }
}
