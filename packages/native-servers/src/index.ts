export { cacheFolder } from './env.ts';
export { exchange } from './exchange.ts';
export { findJava, JAVA_MAJOR_MIN } from './java.ts';
export { jarFolder, KAFKA_VERSION } from './kafka-jars.ts';
export { brokersKnownAt } from './kafka-probe.ts';
export {
  type BrokerSettings,
  LOCAL_BROKER_SETTINGS,
  newClusterId,
  propertiesText,
} from './kafka-settings.ts';
