namespace KvmBackup.Model;

/// <summary>A run of bytes that an operator wants to see of a backup.</summary>
/// <param name="Domain">Whose backup.</param>
/// <param name="IdPrefix">A unique beginning of its timestamp; null is the newest.</param>
/// <param name="Name">A disk, <c>vda</c>, or a file of the archive, <c>domain.xml</c>.</param>
/// <param name="OffsetBytes">Where it starts.</param>
/// <param name="LengthBytes">How long it is; null is up to the end.</param>
public sealed record CatRequest(DomainName Domain, string? IdPrefix, string Name, long OffsetBytes, long? LengthBytes);
