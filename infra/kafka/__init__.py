"""A real Apache Kafka on loopback: one KRaft node, jars from Maven Central, Java from a wheel. `topics.yaml` is for every Kafka."""
