/** One epoch of training as it went. Losses are mean cross-entropy in nats, accuracies in [0,1]. */
export interface Epoch {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly validationLoss: number;
  readonly validationAccuracy: number;
  /** At the epoch's last step. */
  readonly learningRate: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
}
