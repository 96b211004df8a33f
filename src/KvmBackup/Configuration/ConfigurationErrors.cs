namespace KvmBackup.Configuration;

/// <summary>Collects the errors of one file, so that all are reported together.</summary>
internal sealed class ConfigurationErrors(string file)
{
    private readonly List<ConfigurationError> _errors = [];

    /// <summary>Adds an error. An error that several domains inherit is added once.</summary>
    public void Add(int line, string key, string problem, string hint)
    {
        ConfigurationError error = new(file, line, key, problem, hint);
        if (!_errors.Contains(error))
        {
            _errors.Add(error);
        }
    }

    public void ThrowIfAny()
    {
        if (_errors.Count > 0)
        {
            throw new ConfigurationException([.. _errors.OrderBy(error => error.Line)]);
        }
    }
}

/// <summary>One error in a configuration file, with a hint.</summary>
/// <param name="File">Path as given.</param>
/// <param name="Line">From 1; 0 for the file as a whole.</param>
/// <param name="Key">Path of the key: <c>cloud1.domains.web1.rotate</c>; empty for none.</param>
/// <param name="Problem">Description of the error.</param>
/// <param name="Hint">What to do.</param>
public sealed record ConfigurationError(string File, int Line, string Key, string Problem, string Hint)
{
    /// <summary>One line, in the format of compilers.</summary>
    public override string ToString()
    {
        string place = Line > 0 ? $"{File}:{Line}: " : $"{File}: ";
        string key = Key.Length > 0 ? $"{Key}: " : string.Empty;
        return $"{place}{key}{Problem}; {Hint}";
    }
}
