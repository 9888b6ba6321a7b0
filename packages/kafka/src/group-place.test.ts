import { expect, test } from 'vitest';
import { PlaceInGroup } from './group-place.ts';
import type { Trouble, TroubleCode } from './trouble.ts';

/** The client's figures, as far as they are looked at. */
function figures(state: string, answers: number): string {
  return `{ "brokers":{ "b:1/1": { "name":"b:1/1", "tx":9, "rx":99, "rxbytes":99 } ,
    "GroupCoordinator": { "name":"GroupCoordinator", "tx":9, "rx":${answers}, "rxbytes":7 } },
    "cgrp": { "state": "${state}", "stateage": 12, "join_state": "init", "assignment_size": 0 } }`;
}

/** A client that says what it is told to. */
class Words {
  trouble: Trouble | null = null;

  say(code: TroubleCode, message: string, atMs = Date.now()): void {
    this.trouble = { code, message, atMs };
  }

  worked(): void {
    this.trouble = null;
  }
}

function joined(protocol: 'consumer' | 'cooperative-sticky' = 'consumer') {
  const words = new Words();
  return { words, place: new PlaceInGroup(words, protocol) };
}

test('an assignment makes a member, an empty one too', () => {
  const { place } = joined();
  place.figures(figures('up', 0));
  expect(place.place()).toBe('joining');
  place.assigned();
  expect(place.place()).toBe('member');
  place.startsOver();
  expect(place.place()).toBe('joining');
});

test('so do answers of the coordinator, for with KIP-848 a spare hears nothing else', () => {
  const { place } = joined();
  place.figures(figures('up', 2));
  expect(place.place()).toBe('joining');
  place.figures(figures('up', 3));
  expect(place.place()).toBe('member');
});

test('answers from before a complaint prove nothing', () => {
  const { words, place } = joined();
  place.figures(figures('up', 1));
  words.say('topic_authorization', 'ConsumerGroupHeartbeat failed: denied', Date.now() - 60_000);
  place.figures(figures('up', 3));
  expect(place.place()).toBe('joining');
});

test('a right that is missing is told, member or not', () => {
  const { words, place } = joined();
  place.figures(figures('up', 0));
  place.assigned();
  const message = 'Broker: Group authorization failed';
  words.say('group_authorization', message);
  expect(place.place()).toEqual({
    kind: 'refused',
    code: 'group_authorization',
    detail: message,
  });
});

test('a broker of several that is away keeps nobody from the group', () => {
  const { words, place } = joined();
  place.figures(figures('up', 0));
  place.assigned();
  words.say('broker_unreachable', 'refused');
  expect(place.place()).toBe('member');
});

test('with the classic protocol a member hears of an assignment, be it an empty one', () => {
  const { place } = joined('cooperative-sticky');
  place.figures(figures('up', 9));
  expect(place.place()).toBe('joining');
});
