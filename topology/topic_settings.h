/* The settings that Kafka has for a topic (https://kafka.apache.org/documentation/#topicconfigs).
 *
 * X(member, name, kind), where kind says which values can be: TEXT, BOOL, NUMBER (whole, -1 for no limit), RATIO (0 to
 * 1), or DURATION (milliseconds, or a whole number with ms, s, m, h or d). */
#ifndef WEFT_TOPOLOGY_TOPIC_SETTINGS_H
#define WEFT_TOPOLOGY_TOPIC_SETTINGS_H

#define WEFT_TOPIC_SETTINGS(X)                                                                                         \
    X(cleanup_policy, "cleanup.policy", TEXT)                                                                          \
    X(compression_gzip_level, "compression.gzip.level", NUMBER)                                                        \
    X(compression_lz4_level, "compression.lz4.level", NUMBER)                                                          \
    X(compression_type, "compression.type", TEXT)                                                                      \
    X(compression_zstd_level, "compression.zstd.level", NUMBER)                                                        \
    X(delete_retention_ms, "delete.retention.ms", DURATION)                                                            \
    X(file_delete_delay_ms, "file.delete.delay.ms", DURATION)                                                          \
    X(flush_messages, "flush.messages", NUMBER)                                                                        \
    X(flush_ms, "flush.ms", DURATION)                                                                                  \
    X(follower_replication_throttled_replicas, "follower.replication.throttled.replicas", TEXT)                        \
    X(index_interval_bytes, "index.interval.bytes", NUMBER)                                                            \
    X(leader_replication_throttled_replicas, "leader.replication.throttled.replicas", TEXT)                            \
    X(local_retention_bytes, "local.retention.bytes", NUMBER)                                                          \
    X(local_retention_ms, "local.retention.ms", DURATION)                                                              \
    X(max_compaction_lag_ms, "max.compaction.lag.ms", DURATION)                                                        \
    X(max_message_bytes, "max.message.bytes", NUMBER)                                                                  \
    X(message_timestamp_after_max_ms, "message.timestamp.after.max.ms", DURATION)                                      \
    X(message_timestamp_before_max_ms, "message.timestamp.before.max.ms", DURATION)                                    \
    X(message_timestamp_type, "message.timestamp.type", TEXT)                                                          \
    X(min_cleanable_dirty_ratio, "min.cleanable.dirty.ratio", RATIO)                                                   \
    X(min_compaction_lag_ms, "min.compaction.lag.ms", DURATION)                                                        \
    X(min_insync_replicas, "min.insync.replicas", NUMBER)                                                              \
    X(preallocate, "preallocate", BOOL)                                                                                \
    X(remote_log_copy_disable, "remote.log.copy.disable", BOOL)                                                        \
    X(remote_log_delete_on_disable, "remote.log.delete.on.disable", BOOL)                                              \
    X(remote_storage_enable, "remote.storage.enable", BOOL)                                                            \
    X(retention_bytes, "retention.bytes", NUMBER)                                                                      \
    X(retention_ms, "retention.ms", DURATION)                                                                          \
    X(segment_bytes, "segment.bytes", NUMBER)                                                                          \
    X(segment_index_bytes, "segment.index.bytes", NUMBER)                                                              \
    X(segment_jitter_ms, "segment.jitter.ms", DURATION)                                                                \
    X(segment_ms, "segment.ms", DURATION)                                                                              \
    X(unclean_leader_election_enable, "unclean.leader.election.enable", BOOL)

#endif
