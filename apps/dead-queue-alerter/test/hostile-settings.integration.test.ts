import { setHostileSettings } from '@adtally/db/testing';
import { expect, onTestFinished, test } from 'vitest';
import { PAGE, told } from './support/listener.ts';
import { stage, untilAccepted } from './support/stage.ts';

test.each(['database', 'role'] as const)(
  'a page goes out whatever the owner set for the %s',
  async (of) => {
    const the = await stage({ onTestFinished });
    await setHostileSettings(the.databaseUrl, of);
    const alerter = await the.start().active();
    await the.die(6);
    await untilAccepted(the.webhook, 1);
    await the.untilEvaluated(6, alerter);
    expect(told(the.webhook)).toEqual([PAGE]);
  },
);
