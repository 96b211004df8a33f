namespace KvmBackup.Configuration;

/// <summary>Gathers the mistakes of one file, so that all are told at once.</summary>
internal sealed class ConfigurationErrors(string file)
{
    private readonly List<ConfigurationError> _mistakes = [];

    /// <summary>Adds a mistake; what many domains inherit is told once.</summary>
    public void Add(int line, string key, string problem, string hint)
    {
        ConfigurationError mistake = new(file, line, key, problem, hint);
        if (!_mistakes.Contains(mistake))
        {
            _mistakes.Add(mistake);
        }
    }

    public void ThrowIfAny()
    {
        if (_mistakes.Count > 0)
        {
            throw new ConfigurationException([.. _mistakes.OrderBy(mistake => mistake.Line)]);
        }
    }
}

/// <summary>One thing that is wrong in a configuration file, and how to put it right.</summary>
/// <param name="File">As it was named.</param>
/// <param name="Line">From 1; 0 when the file as a whole is concerned.</param>
/// <param name="Key">Where in the tree: <c>cloud1.domains.web1.rotate</c>; empty for none.</param>
/// <param name="Problem">What is wrong.</param>
/// <param name="Hint">What to do.</param>
public sealed record ConfigurationError(string File, int Line, string Key, string Problem, string Hint)
{
    /// <summary>One line, as compilers write them.</summary>
    public override string ToString()
    {
        string place = Line > 0 ? $"{File}:{Line}: " : $"{File}: ";
        string key = Key.Length > 0 ? $"{Key}: " : string.Empty;
        return $"{place}{key}{Problem}; {Hint}";
    }
}
