"""The texts that rules cite, and the law's numbers, each with its dates and its source: data (`sources.yaml`, `values.yaml`)."""
