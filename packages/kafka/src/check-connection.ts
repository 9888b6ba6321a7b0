import { CommandError, type ConnectionCheck, EXIT } from '@adtally/command-line';
import { createLogger } from '@adtally/telemetry';
import { KafkaAdmin } from './admin.ts';
import { askTopicRights, type TopicRight } from './direct/topic-rights.ts';
import { chooseGroupProtocol, type WantedProtocol } from './group-protocol.ts';
import { kafkaFailure } from './server-failure.ts';
import type { KafkaSettings } from './settings.ts';

/** What a program does at the brokers. */
export interface BrokerUse {
  /** By topic. */
  readonly topics: Readonly<Record<string, TopicRight>>;
  readonly group?: { readonly groupId: string; readonly wanted: WantedProtocol };
}

/** Tries the brokers, by the native client and by connections of our own, and asks what the user may do there. */
export function brokersCheck(settings: KafkaSettings, use: BrokerUse): ConnectionCheck {
  return {
    server: 'Kafka (KAFKA_BROKERS)',
    explain: kafkaFailure,
    attempt: () => tryBrokers(settings, use),
  };
}

async function tryBrokers(settings: KafkaSettings, { topics, group }: BrokerUse): Promise<string> {
  const names = Object.keys(topics);
  const admin = new KafkaAdmin(settings);
  try {
    for (const name of names) {
      if ((await admin.describeTopic(name)) !== null) continue;
      throw refusal(`topic ${name} does not exist: run the migration job, which makes it`);
    }
  } finally {
    admin.close();
  }
  const rights = await askTopicRights(settings, names);
  for (const [name, needed] of Object.entries(topics)) {
    if (rights.get(name)?.has(needed) === true) continue;
    throw refusal(`the user may not ${needed} topic ${name}`);
  }
  const works = names.map((name) => `${name} (${topics[name]})`);
  if (group === undefined) return `topics ${works.join(', ')}`;
  const log = createLogger({ service: 'check', level: 'silent' });
  const protocol = await chooseGroupProtocol(settings, { ...group, log });
  return `topics ${works.join(', ')}; group ${group.groupId}, protocol ${protocol}`;
}

function refusal(sentence: string): CommandError {
  return new CommandError(sentence, { exitCode: EXIT.configuration });
}
