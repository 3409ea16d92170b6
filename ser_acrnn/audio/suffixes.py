"""How the names of audio files end."""

_BY_LIBSNDFILE = (".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".w64", ".wav")
AUDIO_SUFFIXES = (*_BY_LIBSNDFILE, ".3gp", ".aac", ".amr", ".m4a", ".mka", ".mp4", ".webm", ".wma")  # the latter by FFmpeg
