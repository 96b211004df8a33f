namespace KvmBackup.Planning;

/// <summary>The room that overlays must find, and why so much.</summary>
public sealed record OverlayRoom(long NeededBytes, string Reason);
