/* Model files made of others, for tests that need two that differ. */
#ifndef WEFT_TESTS_SUPPORT_MODEL_FILE_H
#define WEFT_TESTS_SUPPORT_MODEL_FILE_H

/* Copies the ONNX file with one more entry in its metadata_props; where the key is there already, the first counts. */
void model_file_copy(const char *from, const char *to, const char *key, const char *value);

/* Copies it with the only place where old stands replaced by new, which is as long. */
void model_file_edit(const char *from, const char *to, const char *old, const char *new);

#endif
