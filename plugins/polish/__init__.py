"""Better weights of a finished training, without training: averaged, with BatchNorm statistics estimated anew."""
