import {
  metadataV10,
  metadataV11,
  metadataV12,
  metadataV9,
  ResponseError,
  type Connection,
} from '@platformatic/kafka';

/** Kafka's number for the request. */
export const METADATA_API_KEY = 3;
/** Topic ids are told from 10 on. */
export const METADATA_VERSIONS = { oldest: 9, newest: 12 } as const;

export type Described = Awaited<ReturnType<typeof metadataV12.api.async>>;

const APIS = new Map(
  [metadataV9, metadataV10, metadataV11, metadataV12].map(({ api }) => [api.version, api]),
);

/**
 * Asks a broker who leads the topic's partitions, and where the brokers are, in one version of the request. An error
 * of the topic stands in the answer: it is no failure of the broker.
 */
export async function describeTopic(
  connection: Connection,
  topic: string,
  version: number,
): Promise<Described> {
  return await describeTopics(connection, [topic], version, { rights: false });
}

/** @param rights also asks what the user may do with each, as bits of `topicAuthorizedOperations` */
export async function describeTopics(
  connection: Connection,
  topics: readonly string[],
  version: number,
  { rights }: { readonly rights: boolean },
): Promise<Described> {
  const api = APIS.get(version);
  if (api === undefined) throw new Error(`version ${version} of metadata is not spoken here`);
  try {
    return await api.async(connection, [...topics], false, rights);
  } catch (error) {
    if (error instanceof ResponseError) return error.response as Described;
    throw error;
  }
}
